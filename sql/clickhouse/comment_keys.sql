-- purpose:    Note from which columns the ids of a key table are.
-- parameters: $keys, $comment
-- guarantee:  one step; said only after the ids of all of them were added.
-- why:        a reference that is declared later has ids that were published before; this is how it is known that they
--             have been added, also after the runner that adds them died.
ALTER TABLE $keys MODIFY COMMENT $comment
