-- How many documents were added a month, and how many carry a finished watermark?
SELECT CAST(DATE_TRUNC('month', created_at) AS DATE) AS month, COUNT(*) AS documents,
       COUNT(CASE WHEN watermark_status = 'Finished' THEN 1 END) AS finished
FROM publishing.documents
WHERE created_at < '2100-01-01'
GROUP BY 1
ORDER BY 1 DESC
LIMIT 5
