-- purpose:    A staging table: the columns of a landed part.
-- parameters: $staging, $definitions, $attributes
-- guarantee:  empty. Not there for anyone else before the load that fills it has committed.
-- why:        distributed and sorted like the storage, so that staged rows lie on the slices of the rows they will replace:
--             no row travels at publish. But for numeric keys, which nothing that was landed has.
CREATE TABLE $staging ($definitions) $attributes
