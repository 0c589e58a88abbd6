-- purpose:    Let analysts see the schema that they read.
-- parameters: $schema, $role
-- guarantee:  no right on what is in it; done again, it changes nothing.
-- why:        without it no view in the schema can be read.
GRANT USAGE ON SCHEMA $schema TO GROUP $role
