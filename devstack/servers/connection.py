"""Airflow's JSON form of a connection, as it stands in an ``AIRFLOW_CONN_<ID>`` variable."""

from __future__ import annotations

import json
from typing import Any


def connection(conn_type: str, **parts: Any) -> str:
    """``parts``: host, port, login, password, schema, extra; empty ones are left out. It needs no provider."""
    return json.dumps({"conn_type": conn_type} | {name: value for name, value in parts.items() if value})
