-- purpose:    Take back what grant_view gave.
-- parameters: $view, $role
-- guarantee:  no other grant is touched.
-- why:        what `sluice check` tries leaves nothing behind.
REVOKE SELECT ON $view FROM $role
