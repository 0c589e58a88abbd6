-- purpose:    Write what a batch adds to what is known of undeclared paths.
-- parameters: $rows
-- guarantee:  part of the publishing transaction.
-- why:        followed by delete_known_drift, so that a path keeps one row.
INSERT INTO sluice.drift (pipeline, collection, path, types, documents, sample, first_batch, batch) VALUES $rows
