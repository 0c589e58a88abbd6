"""The fixtures of tests/contract, for the long forms of its tests."""

from tests.contract.conftest import lab, servers, shared_lab

__all__ = ["lab", "servers", "shared_lab"]
