-- purpose:    Write the commit record.
-- parameters: pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, code_version, started_at
-- guarantee:  part of the publishing transaction: there with all its rows, or not at all (I2).
-- why:        whoever lost the answer to the COMMIT finds out here (I3).
INSERT INTO sluice.batches
    (pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, code_version, started_at)
VALUES
    ({pipeline:VARCHAR}, {batch:INTEGER}, {plan:VARCHAR}, {kind:VARCHAR}, {cut:TIMESTAMPTZ}, {cluster:BIGINT},
     {snapshot:BOOLEAN}, {positions:VARCHAR(65535)}, {counts:VARCHAR(65535)}, {spec_hash:VARCHAR},
     {code_version:VARCHAR}, {started_at:TIMESTAMPTZ})
