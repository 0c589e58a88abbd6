-- purpose:    A schema.
-- parameters: $schema
-- guarantee:  not there for anyone else before the transaction commits.
-- why:        the schema that analysts read is named by the pipeline file.
CREATE SCHEMA $schema
