-- purpose:    The open rejects by collection, column and reason, the most frequent first.
-- parameters: $quarantine
-- guarantee:  each open reject is counted once; one of the newest stands for its group.
-- why:        a mistake in a pipeline file rejects many documents for one reason.
SELECT
    collection, column, reason, count(), min(batch), max(batch),
    argMax(key, (batch, position)), argMax(detail, (batch, position))
FROM $quarantine
WHERE state = 'open'
GROUP BY collection, column, reason
ORDER BY count() DESC, collection, column, reason
