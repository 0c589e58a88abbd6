"""Pipelines as the contract tests need them: small, and with everything that publish has to keep together."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from sluice import spec
from sluice.columns import ColumnType


def a_column(name: str, kind: str = "string(64)", **overrides: Any) -> spec.Column:
    return spec.Column(**{"name": name, "path": name, "type": ColumnType.parse(kind), **overrides})


def a_child(name: str) -> spec.Child:
    """An array of plain values."""
    return spec.Child(name, name, (a_column("value", path=""),), of_documents=False)


def a_collection(name: str = "documents", **overrides: Any) -> spec.Collection:
    """Documents with a title, a modified date, and their keywords as a child table."""
    defaults: dict[str, Any] = {
        "name": name,
        "modified": "updated_at",
        "columns": (a_column("_id", "key"), a_column("title"), a_column("updated_at", "timestamp")),
        "children": (a_child("keywords"),),
    }
    return spec.Collection(**{**defaults, **overrides})


def a_pipeline(name: str = "publishing", **overrides: Any) -> spec.Pipeline:
    """Documents, and tickets that name one each."""
    columns = (a_column("_id", "key"), a_column("document_id", "key"), a_column("updated_at", "timestamp"))
    tickets = a_collection("tickets", columns=columns, children=())
    defaults: dict[str, Any] = {
        "name": name,
        "source": spec.Source("publishing_mongo", "publishing"),
        "landing": spec.Landing("landing_s3", "landing"),
        "warehouse": spec.Warehouse(spec.WarehouseKind.CLICKHOUSE, "warehouse", schema=f"{name}_read"),
        "collections": (a_collection(), tickets),
    }
    return spec.Pipeline(**{**defaults, **overrides})


def keyed(pipeline: spec.Pipeline, kind: str) -> spec.Pipeline:
    """Documents alone, under a name of their own, whose keys are of another type."""
    own, plain = f"p{secrets.token_hex(4)}", a_collection()
    columns = tuple(replace(c, type=ColumnType.parse(kind)) if c.path == "_id" else c for c in plain.columns)
    warehouse = replace(pipeline.warehouse, schema=f"{own}_read")
    return a_pipeline(own, collections=(replace(plain, columns=columns),), warehouse=warehouse)


def numbered(pipeline: spec.Pipeline) -> spec.Pipeline:
    """The same, under a name of its own, with numeric keys: tickets name one document, and list more of them."""
    own = f"p{secrets.token_hex(4)}"
    documents, tickets = pipeline.collections
    columns = tuple(replace(c, references="documents") if c.name == "document_id" else c for c in tickets.columns)
    value = a_column("value", "key", path="", references="documents")
    others = spec.Child("others", "others", (value,), of_documents=False)
    collections = (replace(documents, surrogate_key=True), replace(tickets, columns=columns, children=(others,)))
    warehouse = replace(pipeline.warehouse, schema=f"{own}_read")
    return replace(pipeline, name=own, warehouse=warehouse, collections=collections)


def a_rich_pipeline() -> spec.Pipeline:
    """Every column type, and every way of storing a table. Its name is its own."""
    kinds = "key string(9) text int32 int64 float64 decimal(18,4) bool timestamp date objectid uuid binary json"
    columns = tuple(a_column(f"c{n}", kind) for n, kind in enumerate(kinds.split()))
    options = spec.ClickHouseOptions(
        order_by=("c1", "_id"),
        partition_by="toYYYYMM(updated_at)",
        skip_indexes=(("c3", "minmax"), ("c1", "set(100)")),
        low_cardinality=("c1",),
    )
    base = a_collection()
    documents = replace(base, columns=(*base.columns, *columns), clickhouse=options)
    return a_pipeline(f"p{secrets.token_hex(4)}", collections=(documents,))
