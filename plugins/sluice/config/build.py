"""From the checked sections of a pipeline file to :mod:`sluice.spec`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sluice import spec
from sluice.columns import ColumnType, Kind
from sluice.config import shape
from sluice.config.check_build import data_checks
from sluice.config.entries import KEY
from sluice.config.expressions import partition
from sluice.config.grammar import default_name


def pipeline(section: shape.PipelineSection, file: Path) -> spec.Pipeline:
    """The pipeline of a file that no rule complains of."""
    warehouse = section.warehouse
    return spec.Pipeline(
        name=section.pipeline,
        source=_source(section.source),
        landing=_landing(section.landing, warehouse.kind),
        warehouse=spec.Warehouse(
            kind=warehouse.kind,
            conn_id=warehouse.conn_id,
            schema=warehouse.schema_,
            named_collection=warehouse.named_collection,
        ),
        collections=tuple(_collection(name, found) for name, found in section.collections.items()),
        schedule=section.schedule,
        capture=spec.Capture(**section.capture.model_dump()),
        rejects=spec.Rejects(**section.rejects.model_dump()),
        freshness=_freshness(section.freshness),
        maintenance=_maintenance(section.maintenance),
        checks=tuple(
            check
            for name, found in section.collections.items()
            for each in found.checks
            for check in data_checks(name, each, file.parent / "checks")
        ),
        file=file,
    )


def _maintenance(section: shape.MaintenanceSection) -> spec.Maintenance:
    vacuum, cleanup = section.vacuum.model_dump(), section.cleanup.model_dump()
    return spec.Maintenance(vacuum=spec.Vacuum(**vacuum), cleanup=spec.Cleanup(**cleanup))


def _source(section: shape.SourceSection) -> spec.Source:
    care = spec.Care(section.max_documents_per_second, section.read_preference, section.max_time_ms)
    return spec.Source(section.conn_id, section.database, care)


def _freshness(section: shape.FreshnessSection | None) -> spec.Freshness | None:
    return spec.Freshness(section.limit, section.notify, tuple(section.with_.items())) if section else None


def _landing(section: shape.LandingSection, warehouse: spec.WarehouseKind) -> spec.Landing:
    by_warehouse = spec.LandingFormat.CSV if warehouse is spec.WarehouseKind.REDSHIFT else spec.LandingFormat.PARQUET
    landed = section.format or by_warehouse
    return spec.Landing(section.conn_id, section.bucket, section.prefix, landed, section.retention)


def _collection(name: str, section: shape.CollectionSection) -> spec.Collection:
    columns = _columns(section.columns)
    if KEY not in section.columns:
        columns = (spec.Column(KEY, KEY, ColumnType(Kind.KEY)), *columns)
    found = spec.Collection(
        name=name,
        modified=section.modified,
        columns=columns,
        children=_children(section.children),
        deletes=section.deletes,
        unknown_fields=section.unknown_fields,
        transform=section.transform,
        surrogate_key=section.surrogate_key,
        rejects=spec.Rejects(section.rejects.limit) if section.rejects else None,
        redshift=_redshift(section.redshift),
        description=section.description,
    )
    return replace(found, clickhouse=_clickhouse(section.clickhouse, found))


def _columns(sections: dict[str, shape.ColumnSection]) -> tuple[spec.Column, ...]:
    return tuple(
        spec.Column(
            column.name or default_name(path),
            path,
            column.type,
            column.on_error,
            column.references,
            column.description,
        )
        for path, column in sections.items()
    )


def _children(sections: dict[str, shape.ChildSection], outer: str = "") -> tuple[spec.Child, ...]:
    return tuple(_child(path, section, outer) for path, section in sections.items())


def _child(path: str, section: shape.ChildSection, outer: str) -> spec.Child:
    name = section.name or outer + default_name(path)
    if section.type:
        value = spec.Column("value", "", section.type, section.on_error, section.references)
        return spec.Child(
            name, path, (value,), of_documents=False, depth=section.depth, description=section.description
        )
    columns, inner = _columns(section.columns or {}), _children(section.children, f"{name}_")
    return spec.Child(
        name,
        path,
        columns,
        of_documents=True,
        depth=section.depth,
        children=inner,
        description=section.description,
    )


def _clickhouse(section: shape.ClickHouseSection, collection: spec.Collection) -> spec.ClickHouseOptions:
    names = set(collection.tables[0].readable) - {spec.EXTRA}
    return spec.ClickHouseOptions(
        order_by=tuple(section.order_by),
        partition_by=partition(section.partition_by, names) if section.partition_by is not None else None,
        skip_indexes=tuple(section.skip_indexes.items()),
        low_cardinality=tuple(section.low_cardinality),
    )


def _redshift(section: shape.RedshiftSection) -> spec.RedshiftOptions:
    return spec.RedshiftOptions(
        distkey=section.distkey,
        sortkey=tuple(section.sortkey),
        encode=tuple(section.encode.items()),
        copy_options=spec.CopyOptions(**section.copy_options.model_dump()),
    )
