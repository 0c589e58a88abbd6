-- purpose:    The columns of all tables of a schema.
-- parameters: schema
-- guarantee:  (table, column, type, takes null, encoding, is the distribution key, place in the sort key), in the table's order.
-- why:        compared with the pipeline file before every batch.
SELECT
    table_name, column_name, data_type, UPPER(is_nullable) <> 'NO', encoding, distkey, sortkey
FROM svv_redshift_columns
WHERE database_name = CURRENT_DATABASE() AND schema_name = {schema:VARCHAR(127)}
ORDER BY table_name, ordinal_position
