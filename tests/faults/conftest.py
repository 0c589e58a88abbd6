"""The fixtures of tests/contract, for the long forms of its tests."""

from tests.contract.conftest import clickhouse_lab, lab, redshift, redshift_lab, redshift_servers, servers, shared_lab

__all__ = ["clickhouse_lab", "lab", "redshift", "redshift_lab", "redshift_servers", "servers", "shared_lab"]
