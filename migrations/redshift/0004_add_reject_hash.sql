-- purpose: tell a document that is rejected again as it was from one that changed: it is kept once.

ALTER TABLE sluice.rejects ADD COLUMN hash BIGINT;
