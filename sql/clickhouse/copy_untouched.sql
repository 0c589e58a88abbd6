-- purpose:    Stage the rows that a replay takes as they are: those without undeclared fields.
-- parameters: $staging, $columns, $storage, $written, $rehashed, base
-- guarantee:  as readers saw them at the batch base, with today's hash.
-- why:        what was added is NULL in them, as it would be had their documents been read again.
INSERT INTO $staging ($columns, _hash)
SELECT $columns, $rehashed
FROM $storage
WHERE _from <= {base:UInt32} AND _to > {base:UInt32} AND $written AND _extra IS NULL
