"""The fixtures of tests/contract and tests/acceptance, for the long forms of their tests."""

from tests.acceptance.conftest import make_world, warehouse_kind
from tests.contract.conftest import clickhouse_lab, lab, redshift, redshift_lab, redshift_servers, servers, shared_lab

__all__ = [
    "clickhouse_lab",
    "lab",
    "make_world",
    "redshift",
    "redshift_lab",
    "redshift_servers",
    "servers",
    "shared_lab",
    "warehouse_kind",
]
