-- purpose:    Make the group of those who read what is published.
-- parameters: $group
-- guarantee:  without a right.
-- why:        `sluice check` tries whether the login may do so, where an administrator has not, before a migration has to.
CREATE GROUP $group
