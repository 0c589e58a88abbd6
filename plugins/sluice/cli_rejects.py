"""``sluice rejects``: documents that could not be conformed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli_names import Name, find_pipeline
from sluice.errors import Cleaned, ConfigError
from sluice.rejects import MOST
from sluice.warehouse.quarantine import Which

if TYPE_CHECKING:
    from sluice.spec import Pipeline

rejects = typer.Typer(help="Documents that could not be conformed, each with its reason.", no_args_is_help=True)

_Collection = Annotated[str, typer.Option(help="Only of this collection.", show_default=False)]
_Column = Annotated[str, typer.Option(help="Only of this column, as the list shows it.", show_default=False)]
_Reason = Annotated[str, typer.Option(help="Only for this reason, as the list shows it.", show_default=False)]
_Batch = Annotated[int, typer.Option(help="Only of the batch of this number.", min=0, show_default=False)]
_Key = Annotated[
    str, typer.Option(help="Only of the document with this key, as the list shows it.", show_default=False)
]
_All = Annotated[bool, typer.Option("--all", help="Also those that were published since, are gone, or were dropped.")]


@rejects.command("list")
def rejects_list(  # noqa: PLR0913  one parameter an option
    pipeline: Name,
    *,
    collection: _Collection = "",
    column: _Column = "",
    reason: _Reason = "",
    batch: _Batch = 0,
    key: _Key = "",
    settled: _All = False,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 50,
) -> None:
    """List open rejects, newest batch first: documents that are not as they should be in the warehouse."""
    from sluice.pipeline import connect_warehouse
    from sluice.report import show_rejects
    from sluice.settings import from_environment

    found, which = find_pipeline(pipeline), Which(collection, column, reason, batch, key)
    with closing(connect_warehouse(found, from_environment)) as warehouse:
        rows = warehouse.rejects(found.name, which, settled=settled, limit=limit + 1)
    show_rejects(found, rows[:limit], settled=settled, more=len(rows) > limit)


@rejects.command("show")
def rejects_show(  # noqa: PLR0913  one parameter an option
    pipeline: Name,
    key: Annotated[str, typer.Argument(help="The key, as the list shows it; default: any.", show_default=False)] = "",
    *,
    collection: _Collection = "",
    column: _Column = "",
    reason: _Reason = "",
    batch: _Batch = 0,
    settled: _All = False,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 1,
) -> None:
    """Show the raw document of open rejects as Extended JSON, with the reason; or when it was cleaned up."""
    from sluice import pipeline as spine
    from sluice.report import show_reject
    from sluice.settings import from_environment

    found, which = find_pipeline(pipeline), Which(collection, column, reason, batch, key)
    with spine.connect(found, from_environment) as systems:
        rows = systems.warehouse.rejects(found.name, which, settled=settled, limit=limit)
        if not rows:
            raise _none_of(found, which)
        for row in rows:
            try:
                raw = systems.landing.raw_reject(row.raw_uri, row.position)
            except Cleaned as gone:
                raw = str(gone)
            show_reject(row, raw)


@rejects.command("replay")
def rejects_replay(  # noqa: PLR0913  one parameter an option
    pipeline: Name,
    *,
    collection: _Collection = "",
    column: _Column = "",
    reason: _Reason = "",
    batch: _Batch = 0,
    key: _Key = "",
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1, max=MOST)] = MOST,
) -> None:
    """Read the documents of open rejects again and publish what conforms now; exit code 1 for what is left.

    After the pipeline file or the documents were corrected. One batch, of at most 100,000 documents, as they are in
    MongoDB now; safe beside all others.
    """
    from sluice import pipeline as spine
    from sluice.rejects import replay as read_again
    from sluice.report import RunProgress, show_read_again
    from sluice.settings import from_environment

    found, which = find_pipeline(pipeline), Which(collection, column, reason, batch, key)
    with spine.connect(found, from_environment) as systems, RunProgress(found, systems) as progress:
        done = read_again(found, systems, which, limit, progress)
    if not done.found and which != Which():
        raise _none_of(found, which)
    if not show_read_again(found, done):
        raise typer.Exit(1)


@rejects.command("drop")
def rejects_drop(  # noqa: PLR0913  one parameter an option
    pipeline: Name,
    *,
    why: Annotated[str, typer.Option(help="Why: it is kept, with your name.")],
    who: Annotated[str, typer.Option(help="Who says so; default: your login.", show_default=False)] = "",
    collection: _Collection = "",
    column: _Column = "",
    reason: _Reason = "",
    batch: _Batch = 0,
    key: _Key = "",
) -> None:
    """Mark open rejects as dealt with. Nothing is deleted: `sluice rejects list --all` shows them, with who and why.

    A document that is rejected again as it was stays dropped; changed, or for another reason, it is a new reject.
    """
    import getpass

    from sluice.pipeline import connect_warehouse
    from sluice.settings import from_environment

    found, which = find_pipeline(pipeline), Which(collection, column, reason, batch, key)
    if which == Which():
        raise ConfigError("drop would mark every open reject", fix="say which: --collection, --column, --reason …")
    with closing(connect_warehouse(found, from_environment)) as warehouse:
        dropped = warehouse.drop_rejects(found.name, which, who=who or getpass.getuser(), why=_reason(why))
    if not dropped:
        raise _none_of(found, which)
    typer.echo(f"{found.name}: {dropped:,} rejects dropped")


def _none_of(pipeline: Pipeline, which: Which) -> ConfigError:
    return ConfigError(
        f"{pipeline.name} has no open reject with {which or 'that'}",
        fix=f"see `sluice rejects list {pipeline.name}`; with --all also those that were dealt with",
    )


def _reason(why: str) -> str:
    if not why.strip():
        raise ConfigError("--why says nothing", fix="say in a few words why these rejects are dealt with")
    return why.strip()
