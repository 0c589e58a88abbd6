-- purpose:    Publish: from this row on, readers see the batch in every table.
-- parameters: pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, code_version,
--             started_at, owner
-- guarantee:  one row in one part, so all or nothing (I2); no effect unless the sender holds the fence and the number
--             is still free.
-- why:        the only statement whose effect readers see.
INSERT INTO sluice.batches
    (pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, code_version, started_at)
SELECT
    {pipeline:String}, {batch:UInt32}, {plan:String}, {kind:String}, {cut:DateTime64(3, 'UTC')}, {cluster:UInt64},
    {snapshot:Bool}, {positions:String}, {counts:String}, {spec_hash:String}, {code_version:String},
    {started_at:DateTime64(3, 'UTC')}
WHERE (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
    AND (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String}) < {batch:UInt32}
