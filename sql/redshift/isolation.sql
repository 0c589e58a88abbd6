-- purpose:    How transactions of this database are kept apart.
-- parameters: none
-- guarantee:  one row with the level's name.
-- why:        serializable answers with error 1023 where snapshot isolation does not: whoever looks into one wants to know.
SELECT TRIM(isolation_level)
FROM stv_db_isolation_level
WHERE db_name = CURRENT_DATABASE()
