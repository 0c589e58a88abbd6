"""The session with a cluster: replaced when it was silent for long, and never inside a transaction."""

from __future__ import annotations

import pytest

from sluice.warehouse.redshift import client as module
from tests.contract.lab import ONLY_REDSHIFT, Lab
from tests.contract.redshift import RedshiftServers

pytestmark = ONLY_REDSHIFT


def test_a_session_that_was_silent_for_long_is_not_trusted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Landing takes hours: publish would meet a session that the cluster ended, and fail for nothing."""
    assert isinstance(lab.servers, RedshiftServers)
    client = lab.servers.client()
    before = client._driver
    assert client.number("table_exists", schema="sluice", table="batches") == 1
    assert client._driver is before

    monkeypatch.setattr(module, "LONGEST_IDLE", -1.0)

    assert client.number("table_exists", schema="sluice", table="batches") == 1
    assert client._driver is not before
    with client.transaction():
        inside = client._driver
        client.run("lock_batches")
        client.number("table_exists", schema="sluice", table="batches")
        assert client._driver is inside
