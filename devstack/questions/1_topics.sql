-- Which topics are asked for most, and how often does marking fail?
SELECT d.topic AS topic, count() AS tickets, countIf(t.status = 'Finished') AS finished,
       round(100 * countIf(t.status = 'Error') / count(), 1) AS error_percent
FROM publishing.tickets AS t
INNER JOIN publishing.documents AS d ON d._id = t.document_id
GROUP BY topic
ORDER BY tickets DESC
LIMIT 5
