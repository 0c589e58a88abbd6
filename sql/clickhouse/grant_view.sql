-- purpose:    Let analysts read a view.
-- parameters: $view, $role
-- guarantee:  nothing but reading it; done again, it changes nothing.
-- why:        before the view is made, so that there is never one that they may not read.
GRANT SELECT ON $view TO $role
