-- purpose:    Stage the rows in which a replay moved something: what was landed, and the rest as it is in the master.
-- parameters: $staging, $columns, $values, $storage, $written, $rehashed, $moved, $key, base, slices, slice
-- guarantee:  each landed row finds its row of the master, as readers saw it at the batch base. A row that was rejected
--             is not staged: it stays as it is.
-- why:        values that do not move do not leave the server. By slices, so that the join's memory is bounded.
INSERT INTO $staging ($columns, _hash)
SELECT $values, master._rehashed
FROM
(
    SELECT $columns, $rehashed AS _rehashed
    FROM $storage
    WHERE _from <= {base:UInt32} AND _to > {base:UInt32} AND $written
        AND xxHash64($key) % {slices:UInt16} = {slice:UInt16}
) AS master
INNER JOIN
(
    SELECT $columns
    FROM $moved
    WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
) AS moved ON moved.$key = master.$key
