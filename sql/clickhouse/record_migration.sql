-- purpose:    Note that a statement of a migration starts, or is applied.
-- parameters: version, name, checksum, statement, state, duration
-- guarantee:  one row.
-- why:        a statement that started and was not applied may or may not have had its effect.
INSERT INTO sluice.migrations (version, name, checksum, statement, state, duration)
SELECT {version:UInt16}, {name:String}, {checksum:String}, {statement:UInt16}, {state:String}, {duration:Float64}
