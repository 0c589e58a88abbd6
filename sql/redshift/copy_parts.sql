-- purpose:    Load the landed parts of one table into staging.
-- parameters: $staging, $columns, $manifest, $authorization, $options
-- guarantee:  exactly the objects that the manifest names: each is mandatory, none is found by its prefix.
-- why:        one COPY a table: several into one table would wait for each other, and read fewer parts at a time.
COPY $staging ($columns)
FROM $manifest
$authorization
MANIFEST $options
