-- purpose:    Take the rows out of staging that insert_once made a choice of.
-- parameters: $staging, $once, $key
-- guarantee:  no row of these keys is left.
-- why:        see insert_once.
DELETE FROM $staging USING $once WHERE $staging.$key = $once.$key
