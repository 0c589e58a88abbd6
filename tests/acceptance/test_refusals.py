"""What an operator sees when a batch cannot even begin, and what it leaves behind: nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import ConfigError
from tests.acceptance.conftest import World

NOBODY = '{"conn_type": "generic", "host": "127.0.0.1", "port": 9, "schema": "x", "login": "x", "password": "x"}'


def test_without_its_bucket_a_batch_creates_nothing(publishing: World) -> None:
    publishing.pipeline = replace(publishing.pipeline, landing=replace(publishing.pipeline.landing, bucket="missing"))

    with pytest.raises(ConfigError, match="NoSuchBucket"):
        publishing.batch()

    assert publishing.analyst.relations(publishing.pipeline.warehouse.schema) == []
    assert publishing.analyst.staging(publishing.pipeline.name) == []


def test_a_warehouse_that_is_down_is_one_error_and_no_noise(publishing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{publishing.pipeline.warehouse.conn_id.upper()}", NOBODY)
    command = [Path(sys.executable).parent / "sluice", "run", str(publishing.file)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert re.match(r"error: (ClickHouse|Redshift) did not do: connect", ended.stderr), ended.stderr
    assert "Retrying" not in ended.stderr
