-- purpose:    Staged rows of one table that are not published, by reason.
-- parameters: $staging, $key, $skipped
-- guarantee:  (superseded, unchanged) rows; a child's row counts as its parent's key does.
-- why:        staged = published + unchanged + superseded + gone has to add up in every table (I1).
SELECT
    COUNT(CASE WHEN skipped.superseded THEN 1 END),
    COUNT(CASE WHEN NOT skipped.superseded THEN 1 END)
FROM $staging AS staged
INNER JOIN $skipped AS skipped ON skipped."key" = staged.$key
