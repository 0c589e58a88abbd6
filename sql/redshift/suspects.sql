-- purpose:    The next keys that may differ.
-- parameters: $suspects, first, after, limit
-- guarantee:  (key, how often it is stored, hash of its document, children are torn), each key once, in order.
-- why:        each is looked at again in the source; a page at a time, however many there are.
SELECT "key", MAX(found), MAX(hash), MAX(torn)
FROM $suspects
WHERE {first:BOOLEAN} OR "key" > {after:VARCHAR(1024)}
GROUP BY "key"
ORDER BY "key"
LIMIT {limit:INTEGER}
