-- purpose:    Stage the rows in which a replay moved something: what was landed, and the rest as it is in the master.
-- parameters: $staging, $columns, $values, $storage, $written, $rehashed, $moved, $key
-- guarantee:  a row that was rejected, or written anew since it was read, is not staged: it stays as it is.
-- why:        values that do not move do not leave the cluster.
INSERT INTO $staging ($columns, _hash, _gone, _turn, _read)
SELECT $values, master._rehashed, FALSE, 0, COALESCE(master._read, master._from)
FROM (SELECT $columns, $rehashed AS _rehashed, _read, _from FROM $storage WHERE $written) AS master
INNER JOIN $moved AS moved ON moved.$key = master.$key
