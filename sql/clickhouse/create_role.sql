-- purpose:    Make the role of those who read what is published.
-- parameters: $role
-- guarantee:  without a right; one that is there already stays as it is.
-- why:        `sluice check` tries whether the login may do so, before the first migration has to.
CREATE ROLE IF NOT EXISTS $role
