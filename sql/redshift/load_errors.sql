-- purpose:    The rows that a COPY could not load.
-- parameters: copy
-- guarantee:  (file, line, column, type, code, reason, value, raw line) of each; the last two are empty here.
-- why:        this view exists on every kind of cluster, and outlives the rollback of a failed load.
SELECT
    TRIM(file_name), line_number, TRIM(column_name), TRIM(column_type), error_code, TRIM(error_message), '', ''
FROM sys_load_error_detail
WHERE query_id = {copy:BIGINT}
ORDER BY 1, 2
