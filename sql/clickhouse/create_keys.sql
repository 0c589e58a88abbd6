-- purpose:    The key table of a collection: each id that was ever seen, in its documents or in references, and its number.
-- parameters: $keys, $type, $comment
-- guarantee:  left alone when it exists.
-- why:        numbers are hashes, so rows carry theirs without looking here; the table is what a new id is compared with,
--             by number. Small granules, because each id is looked up by itself, at a random place.
CREATE TABLE IF NOT EXISTS $keys (id $type, number Int64)
ENGINE = MergeTree
ORDER BY number
SETTINGS index_granularity = 256
COMMENT $comment
