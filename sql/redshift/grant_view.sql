-- purpose:    Let analysts read a view.
-- parameters: $view, $role
-- guarantee:  nothing but reading it; done again, it changes nothing.
-- why:        a view that is made again has no grants of the one before.
GRANT SELECT ON $view TO GROUP $role
