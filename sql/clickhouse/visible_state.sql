-- purpose:    Add up the documents' hashes by buckets of the key.
-- parameters: $at, $key, batch, digits
-- guarantee:  two tables with the same keys and documents have the same sums (modulo 2^64).
-- why:        the audit compares any number of rows with the source by a few thousand numbers.
SELECT substring(lower(hex(MD5(toString($key)))), 1, {digits:UInt8}) AS _bucket, count(), sum(_hash)
FROM $at(batch = {batch:UInt32})
GROUP BY _bucket
ORDER BY _bucket
