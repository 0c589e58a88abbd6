-- purpose:    Stage the rows that a replay takes as they are: those without undeclared fields.
-- parameters: $staging, $columns, $storage, $written, $rehashed
-- guarantee:  with today's hash, and the batch that read their document.
-- why:        what was added is NULL in them, as it would be had their documents been read again.
INSERT INTO $staging ($columns, _hash, _gone, _turn, _read)
SELECT $columns, $rehashed, FALSE, 0, COALESCE(_read, _from)
FROM $storage
WHERE $written AND _extra IS NULL
