-- purpose:    A staging table: the storage's columns, distributed and sorted like it, and what a landed part has besides.
-- parameters: $staging, $storage, $added
-- guarantee:  empty. Not there for anyone else before the load that fills it has committed.
-- why:        LIKE, so that staged rows lie on the slices of the rows they will replace: no row travels at publish.
CREATE TABLE $staging (LIKE $storage, $added)
