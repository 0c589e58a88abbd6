"""The Redshift warehouse. One transaction makes a batch visible, in all tables or in none."""
