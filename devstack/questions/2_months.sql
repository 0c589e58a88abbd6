-- How many documents were added a month, and how many carry a finished watermark?
SELECT toStartOfMonth(created_at) AS month, count() AS documents, countIf(watermark_status = 'Finished') AS finished
FROM publishing.documents
WHERE created_at IS NOT NULL
GROUP BY month
ORDER BY month DESC
LIMIT 5
