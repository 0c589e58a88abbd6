-- purpose:    What did the last COPY of this session do?
-- parameters: none
-- guarantee:  (its number, rows that it loaded); the rows are 0 when it failed.
-- why:        the driver does not say how many rows a COPY loaded.
SELECT pg_last_copy_id(), pg_last_copy_count()
