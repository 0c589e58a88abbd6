-- purpose:    What is at the other end?
-- parameters: none
-- guarantee:  (version, database, user).
-- why:        the cheapest statement: it finds out whether the server answers.
SELECT VERSION(), CURRENT_DATABASE(), CURRENT_USER
