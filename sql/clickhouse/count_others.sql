-- purpose:    How many statements of earlier holders are still running?
-- parameters: tag, mine
-- guarantee:  0 means that nothing sent under an older fence can still take effect.
-- why:        KILL answers before some statements have ended; the newest batch may only be read after the last did.
SELECT count()
FROM system.processes
WHERE startsWith(Settings['log_comment'], {tag:String}) AND Settings['log_comment'] != {mine:String}
