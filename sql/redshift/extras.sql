-- purpose:    The undeclared fields of one page of the rows of some batches, with their keys.
-- parameters: $storage, $key, $written, pages, page
-- guarantee:  each row is on one page, the same whenever it is asked for.
-- why:        pages by hash, because that needs neither an order nor a cursor. A remainder has the sign of the hash.
SELECT $key, _extra
FROM $storage
WHERE $written AND _extra IS NOT NULL AND MOD(_hash, {pages:BIGINT}) IN ({page:BIGINT}, -{page:BIGINT})
