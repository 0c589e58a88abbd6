-- purpose:    Drop a view.
-- parameters: $view
-- guarantee:  a view that is already gone is no error; one that others are bound to is.
-- why:        a view cannot be replaced by one with other columns. In one transaction with the new one: readers see no gap.
DROP VIEW IF EXISTS $view
