-- purpose:    Rows of each landed object.
-- parameters: url
-- guarantee:  (path, rows), read from the objects themselves.
-- why:        asked only when staging and manifests disagree: it names the object that is short.
SELECT _path, count()
FROM s3({url:String}, 'Parquet')
GROUP BY _path
