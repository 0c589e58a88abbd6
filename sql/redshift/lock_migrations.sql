-- purpose:    Let one migration runner in at a time.
-- parameters: none
-- guarantee:  held to the end of the transaction; released with the session when its owner dies.
-- why:        the transaction's first statement: what is read after it shows all that earlier runners committed.
LOCK sluice.migrations
