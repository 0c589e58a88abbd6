-- purpose:    Wait until a materialised view is made.
-- parameters: $view
-- guarantee:  fails with the error of a refresh that failed.
-- why:        who is told of a batch by its Asset events reads aggregates of that batch.
SYSTEM WAIT VIEW $view
