-- purpose:    Put the lines that COPY refused beside the rejects of landing.
-- parameters: $staged, $refused
-- guarantee:  part of the publishing transaction.
-- why:        what is a reject of the batch is then in one place.
INSERT INTO $staged SELECT * FROM $refused
