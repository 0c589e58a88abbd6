"""The text of an inferred pipeline file: what was guessed, with what was seen beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from sluice.columns import ColumnType, OnError
from sluice.infer import describe
from sluice.infer.guess import ChildGuess, CollectionGuess, Guess
from sluice.spec import WarehouseKind

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_SHOWN = 10
_CONNECTIONS = {WarehouseKind.CLICKHOUSE: "warehouse", WarehouseKind.REDSHIFT: "redshift"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the collections. ``sizes``: collection → about how many documents it has."""

    pipeline: str
    conn_id: str
    database: str
    day: str
    sizes: dict[str, int]
    skipped: Sequence[str] = ()
    warehouse: WarehouseKind = WarehouseKind.CLICKHOUSE


def pipeline_text(heading: Heading, collections: Iterable[CollectionGuess]) -> str:
    """A pipeline file that loads. Connections of landing and warehouse are the user's to name."""
    return "\n".join([*_top(heading), *(line for each in collections for line in _collection(each, heading))]) + "\n"


def _top(heading: Heading) -> Iterator[str]:
    yield f"# Made by `sluice infer` on {heading.day}, from a sample: a later document may hold something else."
    yield "# Comments say what was seen. Name your landing and warehouse, then: sluice check, sluice run --dry-run."
    for name in heading.skipped:
        yield f"# Left out: the collection {_comment(name)}, whose name cannot be that of a table."
    yield f"pipeline: {_quoted(heading.pipeline)}"
    yield 'schedule: null # by hand; or a cron expression in UTC, as "*/5 * * * *"'
    yield f"source: {{conn_id: {_quoted(heading.conn_id)}, database: {_quoted(heading.database)}}}"
    yield "landing: {conn_id: landing_s3, bucket: landing} # name your own"
    goal = f"kind: {heading.warehouse}, conn_id: {_CONNECTIONS[heading.warehouse]}, schema: {_quoted(heading.pipeline)}"
    yield f"warehouse: {{{goal}}} # name your own"
    yield "collections:"


def _collection(guess: CollectionGuess, heading: Heading) -> Iterator[str]:
    census, size = guess.census, heading.sizes[guess.name]
    yield ""
    if not census.documents:
        yield f"  {_quoted(guess.name)}: {{}} # empty: nothing is known of it yet"
        return
    sampled = f"all {census.documents:,}" if census.documents >= size else f"{census.documents:,} of about {size:,}"
    yield f"  {_quoted(guess.name)}: # {sampled} documents were read"
    yield from _notes(guess)
    if guess.columns:
        yield "    columns:"
        yield from (_column(column, census.root.types.total(), "      ") for column in guess.columns)
    yield from _children(guess.children, census.root.types.total(), "    ")


def _notes(guess: CollectionGuess) -> Iterator[str]:
    if guess.modified:
        yield f"    modified: {_quoted(guess.modified)} # by its name; every write has to move it"
    else:
        yield "    # No field is sure to be moved by every write: each batch reads the whole collection. Set `modified`"
        yield f"    # to change that{_doubts(guess.doubts)}."
    if guess.census.undecodable:
        yield f"    # {guess.census.undecodable:,} documents are not valid BSON: rejected, whatever stands here."
    if guess.undeclared:
        names = ", ".join(map(_comment, guess.undeclared[:_SHOWN]))
        more = f" and {len(guess.undeclared) - _SHOWN:,} more" if len(guess.undeclared) > _SHOWN else ""
        yield f"    # No path can name these, so that they are kept in _extra: {names}{more}."
    if guess.census.root.others:
        yield f"    # Fields beyond the first {len(guess.census.root.fields)} names are kept in _extra."


def _doubts(doubts: Sequence[str]) -> str:
    return f" (looked at: {', '.join(map(_comment, doubts[:_SHOWN]))})" if doubts else ""


def _children(guesses: Sequence[ChildGuess], rows: int, indent: str) -> Iterator[str]:
    if guesses:
        yield f"{indent}children:"
        yield from (line for child in guesses for line in _child(child, rows, f"{indent}  "))


def _child(guess: ChildGuess, rows: int, indent: str) -> Iterator[str]:
    comment, each = describe.of_child(guess, rows), guess.elements.types.total()
    if guess.type:
        value = _value(guess.type, guess.name, guess.on_error, guess.depth)
        yield f"{indent}{_quoted(guess.path)}: {value} # {comment}"
        return
    yield f"{indent}{_quoted(guess.path)}: # {comment}"
    if guess.name:
        yield f"{indent}  name: {_quoted(guess.name)}"
    if guess.depth > 1:
        yield f"{indent}  depth: {guess.depth}"
    if guess.columns:
        yield f"{indent}  columns:"
        yield from (_column(column, each, f"{indent}    ") for column in guess.columns)
    yield from _children(guess.children, each, f"{indent}  ")


def _column(guess: Guess, rows: int, indent: str) -> str:
    value = _value(guess.type, guess.name, guess.on_error)
    return f"{indent}{_quoted(guess.path)}: {value} # {describe.of_column(guess, rows)}"


def _value(kind: ColumnType, name: str | None, on_error: OnError, depth: int = 1) -> str:
    pairs = [f"on_error: {on_error}"] if on_error is not OnError.REJECT else []
    pairs += [f"depth: {depth}"] if depth > 1 else []
    pairs += [f"name: {_quoted(name)}"] if name else []
    return "{" + ", ".join([f"type: {_in_flow(str(kind))}", *pairs]) + "}" if pairs else str(kind)


def _in_flow(text: str) -> str:
    return json.dumps(text) if "," in text else text


def _quoted(text: str) -> str:
    """A text as a YAML key or value."""
    if _PLAIN.fullmatch(text) and text not in {"null", "true", "false"}:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6).strip()


def _comment(text: str) -> str:
    """A text of the source in one line of a comment."""
    return json.dumps(text[:80])
