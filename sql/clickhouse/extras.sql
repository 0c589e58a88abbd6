-- purpose:    The undeclared fields of one page of the visible rows of some batches, with their keys.
-- parameters: $storage, $key, $written, base, pages, page
-- guarantee:  as readers saw them at the batch base; each row is on one page, the same whenever it is asked for.
-- why:        pages by hash, because that needs neither an order nor a cursor.
SELECT $key, _extra
FROM $storage
WHERE _from <= {base:UInt32} AND _to > {base:UInt32} AND $written AND _extra IS NOT NULL
    AND _hash % {pages:UInt32} = {page:UInt32}
