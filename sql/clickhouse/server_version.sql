-- purpose:    The server's version and name.
-- parameters: none
-- guarantee:  one row.
-- why:        the cheapest statement that needs a connection and a login.
SELECT version(), hostName()
