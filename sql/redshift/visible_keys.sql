-- purpose:    Keys and hashes of one bucket.
-- parameters: $storage, $key, digits, bucket
-- guarantee:  as of the transaction's snapshot.
-- why:        only buckets that differ are looked into.
SELECT CAST($key AS VARCHAR(1024)), _hash
FROM $storage
WHERE SUBSTRING(MD5(CAST($key AS VARCHAR(1024))), 1, {digits:INTEGER}) = {bucket:VARCHAR(8)}
