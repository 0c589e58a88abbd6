-- Which keywords do the documents carry? (an array in MongoDB, a table here)
SELECT value AS keyword, COUNT(DISTINCT parent_id) AS documents
FROM publishing.documents_keywords
GROUP BY value
ORDER BY documents DESC
LIMIT 5
