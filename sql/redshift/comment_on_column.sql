-- purpose:    Say what a column of a table holds.
-- parameters: $column, $comment
-- guarantee:  the comment is replaced.
-- why:        from the pipeline file, where those who change the column see it.
COMMENT ON COLUMN $column IS $comment
