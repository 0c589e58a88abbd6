-- purpose:    Stop what earlier holders of the fence are still executing.
-- parameters: tag, mine
-- guarantee:  waits until they have stopped, where the server can stop them; a mutation goes on by itself.
-- why:        a statement that started under the old fence has already passed its guard.
KILL QUERY
WHERE startsWith(Settings['log_comment'], {tag:String}) AND Settings['log_comment'] != {mine:String}
SYNC
