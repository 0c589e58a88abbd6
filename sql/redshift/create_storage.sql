-- purpose:    The storage of one table of a pipeline.
-- parameters: $storage, $definitions, $attributes
-- guarantee:  empty; not there for anyone else before the transaction commits.
-- why:        distributed by the key, so that publish moves no row between slices.
CREATE TABLE $storage ($definitions) $attributes
