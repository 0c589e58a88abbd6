-- purpose:    A table for the rows that are chosen among repeated ones.
-- parameters: $once, $staging
-- guarantee:  empty; dropped in the same transaction, so nobody sees it.
-- why:        LIKE, so that the chosen rows stay on their slices.
CREATE TABLE $once (LIKE $staging)
