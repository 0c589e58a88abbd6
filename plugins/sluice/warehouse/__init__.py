"""Warehouses: one Protocol, one file each."""
