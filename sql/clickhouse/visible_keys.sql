-- purpose:    Keys and hashes of one bucket.
-- parameters: $at, $key, batch, buckets, bucket
-- guarantee:  what was visible at that batch.
-- why:        only buckets that differ are looked into.
SELECT toString($key), _hash
FROM $at(batch = {batch:UInt32})
WHERE xxHash64(toString($key)) % {buckets:UInt16} = {bucket:UInt16}
