"""Valid values by default, one thing changed at a time: ``a_plan(cut=a_cut(snapshot=False))``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import ObjectId

from sluice.columns import ColumnType
from sluice.manifest import Manifest, Part
from sluice.spec import Child, Collection, Column, Landing, Pipeline, Source, Warehouse, WarehouseKind
from sluice.window import BatchKind, Cut, Plan, Range, Window

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

# --- what a batch reads and lands -----------------------------------------------------------------------------------


def a_cut(**overrides: Any) -> Cut:
    time = overrides.get("time", NOON)
    return Cut(**{"time": time, "cluster": int(time.timestamp()) << 32, "snapshot": True, **overrides})


def a_window(**overrides: Any) -> Window:
    return Window(**{"low": NOON - timedelta(hours=1), "high": NOON, "bounded": False, **overrides})


def a_range(**overrides: Any) -> Range:
    return Range(**{"collection": "documents", "name": "ids-000", **overrides})


def a_plan(**overrides: Any) -> Plan:
    defaults: dict[str, Any] = {
        "id": "20261123T120000-abc123",
        "pipeline": "publishing",
        "kind": BatchKind.LIVE,
        "cut": a_cut(),
        "windows": {"documents": a_window()},
        "ranges": (),
        "spec_hash": "5eed",
    }
    return Plan(**{**defaults, **overrides})


def a_part(**overrides: Any) -> Part:
    defaults: dict[str, Any] = {"table": "documents", "key": "documents/part-00000.parquet", "md5": "0" * 32}
    return Part(**{**defaults, "rows": 1, "bytes": 100, **overrides})


def a_manifest(**overrides: Any) -> Manifest:
    defaults: dict[str, Any] = {
        "plan": "20261123T120000-abc123",
        "collection": "documents",
        "range": "ids-000",
        "spec_hash": "5eed",
        "warehouse": "clickhouse",
        "format": "parquet",
        "read": 1,
        "read_bytes": 200,
        "rejected": 0,
        "parts": (a_part(),),
    }
    return Manifest(**{**defaults, **overrides})


# --- what a pipeline file says ------------------------------------------------------------------------------------


def a_column(name: str = "_id", kind: str = "key", **overrides: Any) -> Column:
    return Column(**{"name": name, "path": name, "type": ColumnType.parse(kind), **overrides})


def a_collection(**overrides: Any) -> Collection:
    columns = (a_column(), a_column("title", "text"), a_column("updated_at", "timestamp"))
    return Collection(**{"name": "documents", "modified": "updated_at", "columns": columns, **overrides})


def a_child(**overrides: Any) -> Child:
    values = (a_column("value", "string(64)", path=""),)
    return Child(**{"name": "keywords", "path": "keywords", "columns": values, "of_documents": False, **overrides})


def a_pipeline(**overrides: Any) -> Pipeline:
    defaults: dict[str, Any] = {
        "name": "publishing",
        "source": Source("publishing_mongo", "publishing"),
        "landing": Landing("landing_s3", "landing"),
        "warehouse": Warehouse(WarehouseKind.CLICKHOUSE, "warehouse", schema="publishing"),
        "collections": (a_collection(),),
    }
    return Pipeline(**{**defaults, **overrides})


def a_pipeline_text(**overrides: str | None) -> str:
    """The text of the smallest pipeline file: a line for each top-level key, None leaves it out."""
    lines = {
        "pipeline": "publishing",
        "source": "{conn_id: publishing_mongo, database: publishing}",
        "landing": "{conn_id: landing_s3, bucket: landing}",
        "warehouse": "{kind: clickhouse, conn_id: warehouse, schema: publishing}",
        "collections": "{documents: {}}",
        **overrides,
    }
    return "\n".join(f"{key}: {value}" for key, value in lines.items() if value is not None)


# --- what a collection holds, and what becomes of it --------------------------------------------------------------


def a_document(**overrides: Any) -> dict[str, Any]:
    """A document of the shipped pipeline."""
    defaults: dict[str, Any] = {
        "_id": ObjectId("65f000000000000000000001"),
        "title": "On Exactness",
        "author": "A. Turing",
        "topic": "computing",
        "created_at": NOON - timedelta(days=22),
        "updated_at": NOON,
        "watermark": {"mark": "DRAFT", "status": "Finished"},
        "keywords": ["exact", "atomic"],
    }
    return {**defaults, **overrides}


def raw(*documents: dict[str, Any] | bytes) -> bytes:
    """Concatenated BSON, as a cursor batch has it. Bytes are taken as they are, for what no encoder makes."""
    return b"".join(d if isinstance(d, bytes) else bson.encode(d) for d in documents)


def raw_document(*elements: bytes) -> bytes:
    """A BSON document around raw elements."""
    body = b"".join(elements) + b"\0"
    return (len(body) + 4).to_bytes(4, "little") + body


def raw_element(kind: int, name: bytes, value: bytes) -> bytes:
    """One BSON element: type byte, name, value."""
    return bytes([kind]) + name + b"\0" + value
