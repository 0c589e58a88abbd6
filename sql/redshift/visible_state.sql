-- purpose:    Add up the documents' hashes by buckets of the key.
-- parameters: $storage, $key, digits
-- guarantee:  two tables with the same keys and documents have the same sums (modulo 2^64).
-- why:        the audit compares any number of rows with the source by a few thousand numbers. DECIMAL: a sum of BIGINT overflows.
SELECT
    SUBSTRING(MD5(CAST($key AS VARCHAR(1024))), 1, {digits:INTEGER}) AS _bucket,
    COUNT(*),
    SUM(CAST(_hash AS DECIMAL(38, 0)))
FROM $storage
GROUP BY 1
ORDER BY 1
