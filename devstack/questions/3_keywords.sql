-- Which keywords do the documents carry? (an array in MongoDB, a table here)
SELECT value AS keyword, uniqExact(parent_id) AS documents
FROM publishing.documents_keywords
GROUP BY keyword
ORDER BY documents DESC
LIMIT 5
