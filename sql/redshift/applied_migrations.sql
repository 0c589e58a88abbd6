-- purpose:    What was migrated, statement by statement.
-- parameters: none
-- guarantee:  in the order in which it was done.
-- why:        history that was edited or is missing is refused; half a migration goes on where it stopped.
SELECT version, name, checksum, statement, state, applied_at
FROM sluice.migrations
ORDER BY version, statement, state DESC
