-- purpose:    What the cluster says of each table of the product.
-- parameters: none
-- guarantee:  no row for a table that is empty.
-- why:        a vacuum decides by it. tbl_rows counts rows that are deleted and still there, the other one does not.
SELECT
    TRIM("schema") || '.' || TRIM("table"),
    tbl_rows,
    COALESCE(estimated_visible_rows, tbl_rows),
    unsorted,
    vacuum_sort_benefit,
    COALESCE(stats_off, 0),
    size
FROM svv_table_info
WHERE "schema" IN ('sluice', 'sluice_data')
ORDER BY 1
