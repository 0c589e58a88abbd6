-- purpose: tell a document that is rejected again, unchanged, from one that is rejected anew.
-- why:     a document without a usable modified date is read in every batch; its reject is kept once.

ALTER TABLE sluice.rejects ADD COLUMN IF NOT EXISTS hash UInt64;
