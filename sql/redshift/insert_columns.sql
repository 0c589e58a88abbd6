-- purpose:    Write that a batch wrote a collection's rows under other columns than the batch before.
-- parameters: pipeline, batch, collection, hash, columns
-- guarantee:  part of the publishing transaction.
-- why:        no published batch is without it.
INSERT INTO sluice.columns (pipeline, batch, collection, hash, columns)
VALUES
    ({pipeline:VARCHAR(127)}, {batch:INTEGER}, {collection:VARCHAR(127)}, {hash:VARCHAR(16)}, {columns:VARCHAR(65535)})
