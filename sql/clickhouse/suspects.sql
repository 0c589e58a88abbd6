-- purpose:    The next keys that may differ.
-- parameters: $suspects, first, after, limit
-- guarantee:  (key, how often it is visible, hash of its document, children are torn), each key once, in order.
-- why:        each is looked at again in the source; a page at a time, however many there are.
SELECT key, max(found), max(hash), max(torn)
FROM $suspects
WHERE {first:Bool} OR key > {after:String}
GROUP BY key
ORDER BY key
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
