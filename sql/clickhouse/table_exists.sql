-- purpose:    Does a table or view exist?
-- parameters: database, table
-- guarantee:  one row, one number: 1 or 0.
-- why:        reading a table that is not there is an error that cannot be told from a wrong pipeline file.
SELECT count()
FROM system.tables
WHERE database = {database:String} AND name = {table:String}
