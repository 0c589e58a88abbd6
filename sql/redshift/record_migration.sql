-- purpose:    Write one row of the history of migrations.
-- parameters: version, name, checksum, statement, state, duration
-- guarantee:  one row, with the statement that it is about where that may stand in a transaction.
-- why:        a statement that started and was not applied may or may not have had its effect.
INSERT INTO sluice.migrations (version, name, checksum, statement, state, duration)
VALUES
    ({version:INTEGER}, {name:VARCHAR(256)}, {checksum:VARCHAR(64)}, {statement:INTEGER}, {state:VARCHAR(16)},
     {duration:DOUBLE PRECISION})
