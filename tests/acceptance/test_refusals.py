"""What an operator sees when a batch cannot even begin, and what it leaves behind: nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import ConfigError
from tests.acceptance.conftest import World

NOBODY = '{"conn_type": "clickhouse", "host": "127.0.0.1", "port": 9, "login": "sluice", "password": "x"}'


def test_without_its_bucket_a_batch_creates_nothing(publishing: World) -> None:
    publishing.pipeline = replace(publishing.pipeline, landing=replace(publishing.pipeline.landing, bucket="missing"))

    with pytest.raises(ConfigError, match="NoSuchBucket"):
        publishing.batch()

    made = f"SELECT count() FROM system.tables WHERE startsWith(name, '{publishing.pipeline.name}_')"
    assert publishing.warehouse.command(made) == 0


def test_a_warehouse_that_is_down_is_one_error_and_no_noise(publishing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", NOBODY)
    command = [Path(sys.executable).parent / "sluice", "run", str(publishing.file)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ClickHouse did not do: connecting")
    assert "Retrying" not in ended.stderr
