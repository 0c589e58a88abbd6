-- purpose:    Say whose a table is.
-- parameters: $table, $comment
-- guarantee:  the comment is replaced.
-- why:        what others made is never touched.
COMMENT ON TABLE $table IS $comment
