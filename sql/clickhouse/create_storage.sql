-- purpose:    The master table of one target table: every version of every row.
-- parameters: $storage, $definitions, $order, $partition, $comment
-- guarantee:  left alone when it exists; what differs is reported by the migration step, never changed silently.
-- why:        wide parts of any size, so that closing a version rewrites one column and not the row. The key in the
--             order makes closing and point reads cheap. Closing waits for a merge of the same part, so that none may
--             be larger than 10 GiB.
CREATE TABLE IF NOT EXISTS $storage ($definitions)
ENGINE = MergeTree
PARTITION BY $partition
ORDER BY ($order)
SETTINGS min_bytes_for_wide_part = 0, allow_nullable_key = 1, max_bytes_to_merge_at_max_space_in_pool = 10737418240
COMMENT $comment
