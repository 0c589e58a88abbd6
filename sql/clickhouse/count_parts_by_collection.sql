-- purpose:    Rows of each landed object, through a named collection.
-- parameters: $collection, filename
-- guarantee:  as count_parts.
-- why:        as stage_parts_by_collection.
SELECT _path, count()
FROM s3($collection, filename = {filename:String}, format = 'Parquet')
GROUP BY _path
