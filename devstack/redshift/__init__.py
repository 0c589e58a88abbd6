"""A stand-in for Amazon Redshift: a test double that speaks its protocol, on top of PostgreSQL. See README.md here."""
