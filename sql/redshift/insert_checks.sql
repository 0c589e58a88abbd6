-- purpose:    Keep the results of checks.
-- parameters: $rows
-- guarantee:  part of the publishing transaction; of a batch that is stopped, a statement of its own.
-- why:        what stopped a batch has to be found, though nothing of it is published.
INSERT INTO sluice.checks (pipeline, plan, cut, "table", name, severity, failing, samples)
VALUES $rows
