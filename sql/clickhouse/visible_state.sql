-- purpose:    Add up the documents' hashes by buckets of the key.
-- parameters: $at, $key, batch, buckets
-- guarantee:  two tables with the same keys and documents have the same sums (modulo 2^64).
-- why:        the audit compares any number of rows with the source by a few thousand numbers.
SELECT xxHash64(toString($key)) % {buckets:UInt16} AS _bucket, count(), sum(_hash)
FROM $at(batch = {batch:UInt32})
GROUP BY _bucket
ORDER BY _bucket
