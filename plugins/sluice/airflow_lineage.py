"""What a batch read and wrote, for OpenLineage: a source collection → the landing → master tables.

Airflow's OpenLineage provider asks for it where it is installed and set up; nothing here is called otherwise, and
nothing of it is needed. Names follow OpenLineage's own rules, so that what others tell of the same tables meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sluice.manifest import Manifest, plan_prefix
from sluice.spec import Pipeline, Table, WarehouseKind

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from sluice.settings import Endpoint, Resolver

Event = dict[str, Any]


def of_landing(pipeline: Pipeline, manifest: Manifest, resolve: Resolver) -> OperatorLineage[Any, Any]:
    """One range: a collection of the source, and what was landed of it."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    rows = sum(part.rows for part in manifest.parts)
    size = statistics.OutputStatisticsOutputDatasetFacet(rows, manifest.bytes, len(manifest.parts))
    source = InputDataset(*_source(resolve(pipeline.source.conn_id), pipeline, manifest.collection))
    landed = OutputDataset(*_landing(pipeline, manifest.collection), outputFacets={"outputStatistics": size})
    return OperatorLineage(inputs=[source], outputs=[landed])


def of_publish(pipeline: Pipeline, told: Mapping[str, Event], resolve: Resolver) -> OperatorLineage[Any, Any]:
    """One batch: what was landed, and every table that it became. ``told``: table → what its Asset event carries."""
    from openlineage.client.event_v2 import InputDataset

    landed = [InputDataset(*_landing(pipeline, collection.name)) for collection in pipeline.collections]
    return _of_tables(pipeline, landed, told, resolve)


def of_batches(pipeline: Pipeline, told: Mapping[str, Event], resolve: Resolver) -> OperatorLineage[Any, Any]:
    """What one task read and published by itself, in some batches or none: from the source to the tables."""
    from openlineage.client.event_v2 import InputDataset

    source, collections = resolve(pipeline.source.conn_id), pipeline.collections if told else ()
    read = [InputDataset(*_source(source, pipeline, collection.name)) for collection in collections]
    return _of_tables(pipeline, read, told, resolve)


def _of_tables(
    pipeline: Pipeline, read: list[Any], told: Mapping[str, Event], resolve: Resolver
) -> OperatorLineage[Any, Any]:
    from airflow.providers.openlineage.extractors import OperatorLineage

    endpoint = resolve(pipeline.warehouse.conn_id)
    tables = [_table(pipeline, pipeline.table(name), event, endpoint) for name, event in told.items()]
    return OperatorLineage(inputs=read, outputs=tables)


def _table(pipeline: Pipeline, table: Table, event: Event, endpoint: Endpoint) -> Any:
    """With the batch's number as the version."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset as versions
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics
    from openlineage.client.facet_v2 import schema_dataset as schemas

    written = event["counts"]["published"]
    fields = [schemas.SchemaDatasetFacetFields(name=c.name, type=str(c.type)) for c in table.columns]
    return OutputDataset(
        *table_name(pipeline, table, endpoint),
        facets={
            "version": versions.DatasetVersionDatasetFacet(datasetVersion=str(event["batch"])),
            "schema": schemas.SchemaDatasetFacet(fields=fields),
        },
        outputFacets={"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=written)},
    )


def table_name(pipeline: Pipeline, table: Table, endpoint: Endpoint) -> tuple[str, str]:
    """Namespace and name of a master table."""
    schema = pipeline.warehouse.schema
    if pipeline.warehouse.kind is WarehouseKind.REDSHIFT:
        where = f"redshift://{_cluster(endpoint.host or '')}:{endpoint.port or 5439}"
        return where, f"{endpoint.schema or 'dev'}.{schema}.{table.name}"
    return f"clickhouse://{endpoint.host}:{endpoint.port or 8123}", f"{schema}.{table.name}"


def _cluster(host: str) -> str:
    """``cluster.x1y2.eu-central-1.redshift.amazonaws.com`` is called ``cluster.eu-central-1``."""
    words = host.split(".")
    return f"{words[0]}.{words[2]}" if host.endswith(".amazonaws.com") and len(words) == 6 else host


def _source(endpoint: Endpoint, pipeline: Pipeline, collection: str) -> tuple[str, str]:
    """Namespace and name of a collection. Of a URI only the hosts: the rest may hold a password (I9)."""
    hosts = urlsplit(endpoint.uri).netloc.rpartition("@")[2] if endpoint.uri else ""
    hosts = hosts or f"{endpoint.host}:{endpoint.port or 27017}"
    return f"mongodb://{hosts}", f"{pipeline.source.database}.{collection}"


def _landing(pipeline: Pipeline, collection: str) -> tuple[str, str]:
    """Namespace and name of what is landed of a collection, by whichever plan."""
    prefix = plan_prefix(pipeline.landing.prefix, pipeline.name, collection, "")
    return f"s3://{pipeline.landing.bucket}", prefix.rstrip("/")
