-- purpose:    Delete the older rows of each undeclared path.
-- parameters: pipeline, batch
-- guarantee:  the newest published row of a path stays, and so does every row after the horizon.
-- why:        the newest row says all that is known.
ALTER TABLE sluice.drift
DELETE WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
    AND (collection, path, batch) NOT IN
    (
        SELECT collection, path, max(batch)
        FROM sluice.drift
        WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
        GROUP BY collection, path
    )
