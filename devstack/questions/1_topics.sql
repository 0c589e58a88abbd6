-- Which topics are asked for most, and how often does marking fail?
SELECT d.topic AS topic, COUNT(*) AS tickets, COUNT(CASE WHEN t.status = 'Finished' THEN 1 END) AS finished,
       ROUND(100.0 * COUNT(CASE WHEN t.status = 'Error' THEN 1 END) / COUNT(*), 1) AS error_percent
FROM publishing.tickets AS t
INNER JOIN publishing.documents AS d ON d._key = t.document_id_key
GROUP BY d.topic
ORDER BY tickets DESC
LIMIT 5
