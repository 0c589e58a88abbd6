-- purpose:    Rows of staging that insert_missing put there.
-- parameters: $staging
-- guarantee:  exact; nothing that was landed has that turn.
-- why:        an attempt that died after it left them there: they were not landed, and are counted by themselves (I1).
SELECT count()
FROM $staging
WHERE _turn = -1
