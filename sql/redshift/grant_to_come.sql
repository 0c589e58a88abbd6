-- purpose:    Let analysts read what the loader makes in their schema later.
-- parameters: $schema, $role
-- guarantee:  of this user's tables and views only; done again, it changes nothing.
-- why:        a view that a person makes there, as the loader, is meant to be read.
ALTER DEFAULT PRIVILEGES IN SCHEMA $schema GRANT SELECT ON TABLES TO GROUP $role
