-- purpose:    Keys and hashes of one bucket.
-- parameters: $at, $key, batch, digits, bucket
-- guarantee:  what was visible at that batch.
-- why:        only buckets that differ are looked into.
SELECT toString($key), _hash
FROM $at(batch = {batch:UInt32})
WHERE substring(lower(hex(MD5(toString($key)))), 1, {digits:UInt8}) = {bucket:String}
