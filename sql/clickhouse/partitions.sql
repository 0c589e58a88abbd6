-- purpose:    Every partition of the product's tables: its parts, its patches that are still to be applied, rows, bytes.
-- parameters: control, data, comment
-- guarantee:  tables of the control schema, and of one pipeline by the comment that Sluice gave them.
-- why:        a patch part stays for a while after it was applied: it is pending while a part is older than it.
WITH replaceRegexpOne(partition_id, '^patch-[0-9a-f]+-', '') AS partition, startsWith(partition_id, 'patch-') AS is_patch
SELECT
    concat(database, '.', table) AS target,
    partition,
    countIf(NOT is_patch),
    arrayCount(newest -> newest > minIf(data_version, NOT is_patch), groupArrayIf(max_block_number, is_patch)),
    sumIf(rows, NOT is_patch),
    sum(bytes_on_disk)
FROM system.parts
WHERE active
    AND (database, table) IN
    (
        SELECT database, name
        FROM system.tables
        WHERE database = {control:String} OR (database = {data:String} AND startsWith(comment, {comment:String}))
    )
GROUP BY target, partition
ORDER BY target, partition
