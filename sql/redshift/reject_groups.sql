-- purpose:    The open rejects by collection, column and reason, the most frequent first.
-- parameters: $quarantine
-- guarantee:  each open reject is counted once; one of the newest stands for its group.
-- why:        a mistake in a pipeline file rejects many documents for one reason.
SELECT
    collection, "column", reason, COUNT(*), MIN(batch), MAX(batch),
    MAX(CASE WHEN _place = 1 THEN "key" END), MAX(CASE WHEN _place = 1 THEN detail END)
FROM
(
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY collection, "column", reason ORDER BY batch DESC, "position" DESC) AS _place
    FROM $quarantine AS quarantine
    WHERE state = 'open'
) AS placed
GROUP BY collection, "column", reason
ORDER BY COUNT(*) DESC, collection, "column", reason
