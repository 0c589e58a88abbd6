-- purpose:    Delete the older rows of each undeclared path.
-- parameters: pipeline, batch
-- guarantee:  the newest row of a path up to that batch stays, and so does every later row.
-- why:        the newest row says all that is known. Needs no fence: nobody reads the others.
ALTER TABLE sluice.drift
DELETE WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
    AND (collection, path, batch) NOT IN
    (
        SELECT collection, path, max(batch)
        FROM sluice.drift
        WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
        GROUP BY collection, path
    )
