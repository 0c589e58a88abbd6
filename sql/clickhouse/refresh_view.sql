-- purpose:    Make a materialised view again, of the newest batch.
-- parameters: $view
-- guarantee:  readers see what it was, then what it is; it is under way when this is answered.
-- why:        one after another that is running is made as well: what that one reads may be older.
SYSTEM REFRESH VIEW $view
