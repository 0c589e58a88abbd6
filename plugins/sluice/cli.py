"""The command line: the same spine as the DAGs, without Airflow."""

from __future__ import annotations

import logging
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sluice import __version__
from sluice.cli_names import FOLDER, Name, OptionalName
from sluice.cli_names import find_pipeline as _pipeline
from sluice.cli_names import find_pipelines as _pipelines
from sluice.cli_rejects import rejects
from sluice.errors import ConfigError, SluiceError
from sluice.spec import WarehouseKind

app = typer.Typer(
    help="Move MongoDB collections into an analytics warehouse, exactly.\n\n"
    "A PIPELINE is the name of a file in dags/pipelines (without .yml) or the path of a pipeline file. Connections "
    "come from AIRFLOW_CONN_<ID> variables, in the forms that Airflow reads. A first session: sluice check, "
    "sluice run --dry-run PIPELINE, sluice run PIPELINE, sluice status.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
migrations = typer.Typer(help="The warehouse's schema: what is applied, what is missing.", no_args_is_help=True)
checks = typer.Typer(help="What the checks in a pipeline file found in its batches.", no_args_is_help=True)
app.add_typer(migrations, name="migrate")
app.add_typer(rejects, name="rejects")
app.add_typer(checks, name="checks")

_ELSEWHERE = "give another --pipeline or --out, or move it away"
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@app.callback(invoke_without_command=True)
def options(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log of each step.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    """Set up logging for every command."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(message)s")
    # They warn of what they then raise, or try again by themselves. The level of urllib3 is set by clickhouse_connect.
    for library in ("urllib3.connectionpool", "clickhouse_connect", "botocore"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    if version:
        typer.echo(f"sluice {__version__}")
        raise typer.Exit


@app.command()
def check(pipeline: OptionalName = None) -> None:
    """Test connections, rights, indexes and clocks; each failure says what to do."""
    from sluice.checks import check_pipeline
    from sluice.report import show_checks

    results = [(found.name, check_pipeline(found)) for found in _pipelines(pipeline)]
    if not show_checks(results):
        raise typer.Exit(1)


@app.command()
def run(
    pipeline: Name,
    *,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=FORMATS, show_default=False, help="Re-read what was modified from here (UTC) …"),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", formats=FORMATS, show_default=False, help="… up to here; both ends are included."),
    ] = None,
    full: Annotated[
        str | None,
        typer.Option(metavar="COLLECTION", show_default=False, help="Re-read it whole, and end what is gone."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and conform, and write nothing at all.")] = False,
) -> None:
    """Make one batch: everything that changed since the last one.

    With --from and --to: a span of the past. With --full: one collection as a whole, and what is no longer there is
    ended. Both are safe beside other batches, and readers see no step in between.
    """
    from sluice import pipeline as spine
    from sluice.rehearsal import rehearse
    from sluice.report import RunProgress, show_commit, show_rehearsal
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    reread = _reread(start, end, full)
    with spine.connect(found, from_environment) as systems, RunProgress(found, systems) as progress:
        if dry_run:
            rehearsal = rehearse(found, systems, reread, progress)
        else:
            commit = spine.run(found, systems, reread, progress)
    if dry_run:
        show_rehearsal(found, rehearsal)
    else:
        show_commit(found, commit)


@app.command()
def stream(pipeline: Name) -> None:
    """Publish small batches one after the other, until SIGTERM or Ctrl-C; the last one is finished."""
    import signal
    from threading import Event

    from sluice import pipeline as spine
    from sluice.report import show_line
    from sluice.settings import from_environment
    from sluice.streaming import Stream

    found, stop = _pipeline(pipeline), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with spine.connect(found, from_environment) as systems:
        Stream(found, systems, stop, show_line).run()


@app.command()
def status(pipeline: OptionalName = None) -> None:
    """Show the last batch of each pipeline: cut, lag, rows, rejects, drift, failing checks; how far a long load is."""
    from sluice.data_checks import check_results, now_failing
    from sluice.pipeline import connect_warehouse, loads_under_way
    from sluice.report import show_failing, show_loads, show_quarantine, show_status
    from sluice.settings import from_environment

    for found in _pipelines(pipeline):
        with closing(connect_warehouse(found, from_environment)) as warehouse:
            commits, drifted = warehouse.commits(found.name, limit=100), warehouse.drift(found.name)
            open_rejects = warehouse.reject_groups(found.name)
        show_status(found, commits[:20], drifted)
        show_quarantine(found, open_rejects)
        if found.checks:
            show_failing(now_failing(check_results(found, from_environment, failed=True), next(iter(commits), None)))
        try:
            show_loads(found, loads_under_way(found, from_environment, {commit.plan for commit in commits}))
        except SluiceError as error:
            typer.echo(f"{found.name}: whether a load is under way is not known: {error.what}", err=True)


@app.command()
def drift(
    pipeline: OptionalName = None,
    *,
    collection: Annotated[str | None, typer.Option(help="Only of this collection.", show_default=False)] = None,
) -> None:
    """List the fields that documents have and no column declares: their types, a sample, how many had them."""
    from sluice.pipeline import connect_warehouse
    from sluice.report import show_drift
    from sluice.settings import from_environment

    for found in _pipelines(pipeline):
        with closing(connect_warehouse(found, from_environment)) as warehouse:
            rows = warehouse.drift(found.name)
        show_drift(found, [row for row in rows if collection in {None, row.collection}])


@app.command()
def verify(pipeline: Name) -> None:
    """Compare every document of the source with the warehouse, by content; exit code 1 when they differ."""
    from sluice import audit
    from sluice import pipeline as spine
    from sluice.report import show_audit
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    with spine.connect(found, from_environment) as systems:
        findings = audit.compare(found, systems)
    if not show_audit(found, findings):
        raise typer.Exit(1)


@app.command()
def reconcile(
    pipeline: Name,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare and report, and publish nothing.")] = False,
) -> None:
    """Compare keys, versions and child rows with the source, and repair what differs; exit code 1 for what is left.

    Reads the key and modified date of each document, and only what differs whole.
    """
    from sluice import pipeline as spine
    from sluice import reconcile as steps
    from sluice.report import RunProgress, show_reconcile
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    with spine.connect(found, from_environment) as systems, RunProgress(found, systems) as progress:
        comparisons = steps.run(found, systems, dry_run=dry_run, watch=progress)
    if not show_reconcile(found, comparisons, dry_run=dry_run):
        raise typer.Exit(1)


@app.command()
def infer(  # noqa: PLR0913  one parameter an option
    conn_id: Annotated[str, typer.Argument(help="The connection of the MongoDB.")],
    database: Annotated[str, typer.Argument(help="Its database.")],
    collections: Annotated[
        list[str] | None, typer.Argument(metavar="COLLECTION", help="Default: all of them.", show_default=False)
    ] = None,
    *,
    sample: Annotated[int, typer.Option(help="Documents to look at of each.", min=1, max=1_000_000)] = 10_000,
    pipeline: Annotated[
        str | None, typer.Option(help="The pipeline's name; default: the database's.", show_default=False)
    ] = None,
    warehouse: Annotated[
        WarehouseKind, typer.Option(help="Where it will be published: what that cannot hold is taken into account.")
    ] = WarehouseKind.CLICKHOUSE,
    out: Annotated[
        Path | None, typer.Option(help="The file; default: dags/pipelines/<name>.yml.", show_default=False)
    ] = None,
) -> None:
    """Write a pipeline file to start from: types that take all of a sample, and beside each what was seen.

    As in: sluice infer publishing_mongo publishing documents tickets. Nothing is overwritten, and only MongoDB is
    asked. Landing and warehouse are yours to name in the file; then: sluice check, sluice run --dry-run.
    """
    from sluice.config.grammar import plain_name
    from sluice.infer import sample as edge
    from sluice.mongo import Source
    from sluice.new_file import exists, write_new
    from sluice.report import SampleProgress
    from sluice.settings import from_environment

    name = pipeline or plain_name(database)
    path = out or FOLDER / f"{name}.yml"
    if path.exists():
        raise exists(path, _ELSEWHERE)
    with closing(Source.connect(from_environment(conn_id), database)) as source:
        goal = edge.Goal(name, conn_id, database, warehouse)
        heading = edge.heading_for(source, collections or [], goal)
        with SampleProgress(heading.sizes, sample) as progress:
            text = edge.infer_pipeline(source, heading, sample, progress.read)
    write_new(path, text, fix=_ELSEWHERE)
    typer.echo(f"{path}: {', '.join(heading.sizes)}; read it, then: sluice run --dry-run {out or name}")


@app.command()
def replay(
    pipeline: Name,
    *,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this collection; may be given again.", show_default=False)
    ] = None,
) -> None:
    """Move values that were kept in _extra into columns that were added since. MongoDB is not read.

    After: sluice migrate new, sluice migrate up. One batch, beside all others: readers see all of it or nothing.
    """
    from sluice import pipeline as spine
    from sluice.replay import run as replay_pipeline
    from sluice.report import show_replayed
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    with spine.connect(found, from_environment) as systems:
        replayed = replay_pipeline(found, systems, collection or [])
    show_replayed(found, replayed)


@app.command()
def dictionary(pipeline: Name) -> None:
    """Print the data dictionary: each table's columns, their types, where they come from, what is said of them.

    As in: sluice dictionary publishing > docs/dictionary.md. Then its views for analysts. Nothing is connected.
    """
    from sluice.dictionary import dictionary as written

    typer.echo(written(_pipeline(pipeline)), nl=False)


@app.command()
def sweep(
    pipeline: Name,
    *,
    hours: Annotated[float, typer.Option("--older-than", help="Hours; longer than any batch takes.", min=0)] = 48.0,
) -> None:
    """Clean up after batches that died: half-done uploads and staging tables. Nothing published is touched."""
    from sluice import pipeline as spine
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    with spine.connect(found, from_environment) as systems:
        aborted, dropped = spine.sweep(found, systems, timedelta(hours=hours))
    typer.echo(f"{found.name}: {aborted} unfinished uploads aborted, {dropped} staging tables dropped")


@app.command()
def cleanup(
    pipeline: OptionalName = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
) -> None:
    """Delete what nobody needs any more: old landed parts and rejects, and what dead batches left.

    What stays how long is in the pipeline file, landing.retention and rejects.retention. The newest batch, what is not
    published, and files of others are never touched.
    """
    from sluice import cleanup as steps
    from sluice.report import show_cleanup
    from sluice.settings import from_environment

    for found in _pipelines(pipeline):
        with steps.connect(found, from_environment) as tools:
            show_cleanup(found, steps.run(found, tools, dry_run=dry_run), dry_run=dry_run)


@app.command()
def vacuum(  # noqa: PLR0913  one parameter an option
    pipeline: OptionalName = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    table: Annotated[str | None, typer.Option(help="Only this table.", show_default=False)] = None,
    minutes: Annotated[
        float | None, typer.Option(help="That it may take; default: as the pipeline file says.", min=0)
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="Of Redshift's VACUUM: FULL, SORT ONLY, DELETE ONLY, REINDEX, RECLUSTER.")
    ] = None,
    to_percent: Annotated[int, typer.Option(help="Of Redshift's VACUUM.", min=0, max=100)] = 95,
    boost: Annotated[bool, typer.Option("--boost", help="Of Redshift's VACUUM, of one table.")] = False,
) -> None:
    """Give back what deleted rows and old versions take, where the warehouse says that it is worth it.

    Nothing that readers see changes, and publishes go first.
    """
    from sluice.report import show_maintenance
    from sluice.settings import from_environment
    from sluice.vacuum import order_of, spare_loads
    from sluice.vacuum import vacuum as clean

    params = {"dry_run": dry_run, "table": table, "minutes": minutes, "mode": mode}
    for found in _pipelines(pipeline):
        order = order_of(found, {**params, "to_percent": to_percent, "boost": boost})
        order = spare_loads(found, from_environment, order)
        show_maintenance(found, clean(found, from_environment, order))


@migrations.command("status")
def migrate_status(pipeline: OptionalName = None) -> None:
    """Show each migration, and each file of views for analysts, and whether it is applied."""
    from sluice.pipeline import connect_warehouse
    from sluice.report import show_migrations
    from sluice.settings import from_environment

    found = _pipelines(pipeline)[0]
    with closing(connect_warehouse(found, from_environment)) as warehouse:
        states = warehouse.migration_states(found)
    if not show_migrations(states):
        raise typer.Exit(1)


@migrations.command("up")
def migrate_up(pipeline: OptionalName = None) -> None:
    """Apply what is missing. Also the first step of every batch."""
    from sluice.pipeline import connect_warehouse
    from sluice.settings import from_environment

    for found in _pipelines(pipeline):
        with closing(connect_warehouse(found, from_environment)) as warehouse:
            applied = warehouse.migrate(found)
        typer.echo(f"{found.name}: {', '.join(applied) or 'nothing to do'}")


@migrations.command("new")
def migrate_new(pipeline: OptionalName = None) -> None:
    """Write the migration that makes a pipeline's tables what its file says, where that is safe. Applies nothing."""
    from sluice.pipeline import connect_warehouse
    from sluice.settings import from_environment
    from sluice.warehouse.migrations import write_migration

    for found in _pipelines(pipeline):
        with closing(connect_warehouse(found, from_environment)) as warehouse:
            comparison = warehouse.compare(found)
        typer.echo(f"{found.name}: {write_migration(found.warehouse.kind, comparison)}")


@checks.command("list")
def checks_list(
    pipeline: Name,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only checks that did not hold.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 50,
) -> None:
    """List what checks found, newest batch first, with the rows that failed; also of batches that were stopped."""
    from sluice.data_checks import check_results
    from sluice.report import show_check_results
    from sluice.settings import from_environment

    found = _pipeline(pipeline)
    show_check_results(found, check_results(found, from_environment, failed=failed, limit=limit))


def main() -> None:
    """Run the command line. An error of the product is a message and exit code 1, never a traceback."""
    try:
        app()
    except SluiceError as error:
        typer.secho(f"error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)


def _reread(start: datetime | None, end: datetime | None, full: str | None) -> tuple[datetime, datetime] | str | None:
    if start is None and end is None:
        return full
    if full is not None:
        raise ConfigError("--full re-reads a whole collection, --from and --to a span of all", fix="give one of them")
    if start is None or end is None:
        raise ConfigError("only one end of the span to re-read is set", fix="give both --from and --to, or neither")
    if start > end:
        raise ConfigError("--from is after --to", fix="swap them")
    return _utc(start), _utc(end)


def _utc(instant: datetime) -> datetime:
    """An instant without a zone is UTC, as everywhere in Sluice."""
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
