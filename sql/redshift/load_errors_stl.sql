-- purpose:    The rows that a COPY could not load, with what stood there.
-- parameters: copy
-- guarantee:  as load_errors; values and lines are cut by the server, and lines have a dot for each foreign character.
-- why:        the only view with the values; missing on serverless.
SELECT
    TRIM(filename), line_number, TRIM(colname), TRIM(type), err_code, TRIM(err_reason), TRIM(raw_field_value),
    TRIM(raw_line)
FROM stl_load_errors
WHERE query = {copy:BIGINT}
ORDER BY 1, 2
