-- purpose:    Where did a COPY replace what was not UTF-8?
-- parameters: copy
-- guarantee:  (column, values) of that COPY.
-- why:        ACCEPTINVCHARS changes data: each use is counted (I7).
SELECT TRIM(colname), COUNT(*)
FROM stl_replacements
WHERE query = {copy:BIGINT}
GROUP BY 1
ORDER BY 1
