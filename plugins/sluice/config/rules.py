"""What must hold between the parts of a pipeline file.

The rules read the plain values and skip what is not of the right shape, so that one wrong key hides no other error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sluice.columns import KEY_KINDS, TEXT_KINDS, Kind, OnError
from sluice.config import check_rules, expressions, grammar, numeric
from sluice.config.entries import KEY, ChildEntry, Entry, children_of, columns_of, mapping, texts
from sluice.config.problems import Loc, Problem, Wrong, dotted
from sluice.config.redshift import ENCODINGS, LONGEST_NAMES
from sluice.spec import (
    CHANGE_STREAM,
    CONTINUOUS,
    MOST_LEVELS,
    PARENT,
    PARENT_NUMBER,
    RESERVED,
    LandingFormat,
    WarehouseKind,
    ordinals,
)
from sluice.suggest import did_you_mean, shown

_LONGEST_NAME: Final = 63


def problems(document: Any) -> Iterator[Problem]:
    """Everything that is wrong between the parts of a file."""
    pipeline = mapping(document).get("pipeline")
    if "__" in f"{pipeline}_":
        yield Problem(
            ("pipeline",), "Sluice uses __ in names of its own: choose one without it, and without _ at the end"
        )
    tables: list[tuple[Loc, str]] = []
    collections = {name: mapping(section) for name, section in mapping(mapping(document).get("collections")).items()}
    for name, section in collections.items():
        loc = ("collections", name)
        tables.append((loc, name))
        tables += [(child.loc, f"{name}_{child.name}") for child in children_of(section, loc) if child.name]
        yield from _collection(section, loc)
    yield from _tables(tables)
    if mapping(mapping(document).get("warehouse")).get("kind") == WarehouseKind.REDSHIFT:
        yield from _redshift_tables(str(pipeline), tables)
    yield from _landing(mapping(document))
    yield from _schedule(mapping(document))
    yield from _deletes(mapping(document), collections)
    yield from _freshness(mapping(document))
    yield from numeric.problems(collections)
    yield from check_rules.problems(collections)


def _freshness(document: dict[str, Any]) -> Iterator[Problem]:
    if document.get("freshness") is not None and document.get("schedule") is None:
        text = "is watched by the runs of a schedule, and there is none: write one, or leave this line out"
        yield Problem(("freshness",), text)


def _collection(section: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    columns, children = columns_of(section, loc), children_of(section, loc)
    added = numeric.numeric_columns(section, columns, loc)
    yield from _names([*columns, *numeric.reference_columns(columns)], RESERVED)
    yield from _key(columns[0])
    yield from _actions(columns[1:])
    yield from _overlaps([*columns, *_inside(children, loc)])
    yield from _modified(section.get("modified"), columns, (*loc, "modified"))
    for child in children:
        yield from _child(child, {PARENT_NUMBER} if numeric.is_numbered(section) else set())
        if child.of_documents:
            yield from _overlaps([*child.columns, *_inside(children, child.loc)])
    yield from _clickhouse(mapping(section.get("clickhouse")), [*columns, *added], (*loc, "clickhouse"))
    yield from _redshift(mapping(section.get("redshift")), [*columns, *added], (*loc, "redshift"))


def _child(child: ChildEntry, added: set[str]) -> Iterator[Problem]:
    section, loc, columns = child.section, child.loc, child.columns
    if child.levels > MOST_LEVELS:
        text = f"{child.levels} arrays inside each other, and {MOST_LEVELS} are the most: write type: json further out"
        yield Problem(loc, text)
        return
    if child.name is None:
        yield Problem(loc, f"cannot be the name of a table: give it one, as name: {grammar.plain_name(child.path)}")
    if ("type" in section) == child.of_documents:
        text = "an array needs either type or columns: write type for plain values, columns for documents"
        yield Problem(loc, text)
    yield from _actions(columns)
    if not child.of_documents:
        return
    for key in ("on_error", "references"):
        if key in section:
            yield Problem((*loc, key), "belongs to a single column: move it into one of columns")
    if section.get("columns") == {}:
        yield Problem((*loc, "columns"), "is empty: declare a field of the documents, or write type: json instead")
    reserved = {*RESERVED, *added, PARENT, *ordinals(child.levels)}
    yield from _names([*columns, *numeric.reference_columns(columns)], reserved)


def _inside(children: list[ChildEntry], loc: Loc) -> list[ChildEntry]:
    """The children directly inside of what stands at a location."""
    return [child for child in children if child.loc[:-2] == loc]


def _names(columns: list[Entry], reserved: Collection[str]) -> Iterator[Problem]:
    first: dict[str, Entry] = {}
    for entry in columns:
        if entry.name is None:
            text = f"cannot be the name of a column: give it one, as name: {grammar.plain_name(entry.path)}"
            yield Problem(entry.loc, text)
            continue
        other = first.setdefault(entry.name.lower(), entry)
        if entry.name.lower() in reserved:
            better = f"source_{entry.name.strip('_')}"
            text = f"{entry.name} is a column of Sluice's own: give this one another name, as name: {better}"
            yield Problem(entry.loc, text)
        elif other is not entry:
            text = f'the column {entry.name} is also made of "{other.path}": give one of them another name'
            yield Problem(entry.loc, text)


def _actions(columns: list[Entry]) -> Iterator[Problem]:
    for entry in columns:
        if entry.type and entry.on_error and entry.on_error not in entry.type.actions:
            text = f"{entry.on_error} means nothing for {entry.type}: use one of {', '.join(entry.type.actions)}"
            yield Problem((*entry.loc, "on_error"), text)


def _key(key: Entry) -> Iterator[Problem]:
    if key.type and key.type.kind not in KEY_KINDS:
        yield Problem((*key.loc, "type"), f"a key cannot be {key.type}: use one of {', '.join(KEY_KINDS)}")
    if key.on_error not in {OnError.REJECT, None}:
        text = "a repaired key could be another document's: remove on_error, or use type: key, which takes every value"
        yield Problem((*key.loc, "on_error"), text)


def _overlaps(declared: list[Entry | ChildEntry]) -> Iterator[Problem]:
    paths = {entry.path: entry.loc for entry in reversed(declared)}
    for loc, path in ((entry.loc, entry.path) for entry in declared):
        parts = path.split(".")
        outer = next((o for n in range(1, len(parts)) if (o := ".".join(parts[:n])) in paths), None)
        if outer:
            yield Problem(loc, f'stands inside "{outer}", which is declared too: remove one of the two')
        elif paths[path] != loc:
            yield Problem(loc, "is declared under columns and under children: remove one of the two")


def _modified(path: Any, columns: list[Entry], loc: Loc) -> Iterator[Problem]:
    entry = next((e for e in columns if e.path == path), None)
    if entry and entry.type and entry.type.kind is not Kind.TIMESTAMP:
        text = f'the column "{path}" is {entry.type}: the modified field must be a timestamp'
        yield Problem(loc, text)


def _clickhouse(options: dict[str, Any], columns: list[Entry], loc: Loc) -> Iterator[Problem]:
    key = next(entry.name for entry in columns if entry.path == KEY)
    order = texts(options.get("order_by"))
    yield from _known(order, columns, (*loc, "order_by"))
    if order and key and key not in order:
        text = f"lacks the key, by which versions are found: write [{', '.join((*order, key))}]"
        yield Problem((*loc, "order_by"), text)
    low = texts(options.get("low_cardinality"))
    yield from _known(low, columns, (*loc, "low_cardinality"))
    for entry in columns:
        if entry.name in low and entry.type and entry.type.kind not in TEXT_KINDS:
            yield Problem((*loc, "low_cardinality"), f"{entry.name} is {entry.type}: only texts are, remove it")
    yield from _known(mapping(options.get("skip_indexes")), columns, (*loc, "skip_indexes"))
    try:
        if isinstance(partition := options.get("partition_by"), str):
            expressions.partition(partition, {e.name: e for e in columns if e.name})
    except Wrong as wrong:
        yield Problem((*loc, "partition_by"), str(wrong))


def _redshift(options: dict[str, Any], columns: list[Entry], loc: Loc) -> Iterator[Problem]:
    for option in ("distkey", "sortkey"):
        named = options.get(option)
        used = texts(named if isinstance(named, list) else [named])
        yield from _known(used, columns, (*loc, option))
        for entry in columns:
            if entry.name in used and entry.type and entry.type.kind is Kind.JSON:
                yield Problem((*loc, option), f"{entry.name} is {entry.type}, a SUPER there, which cannot be one")
    encode = mapping(options.get("encode"))
    yield from _known(encode, columns, (*loc, "encode"))
    for entry in columns:
        kinds = ENCODINGS.get(str(encode.get(str(entry.name))))
        if kinds and entry.type and entry.type.kind not in kinds:
            fitting = [word for word, kinds in ENCODINGS.items() if entry.type.kind in kinds]
            text = f"{encode[str(entry.name)]} is not for {entry.type}: use one of {', '.join(fitting)}"
            yield Problem((*loc, "encode", str(entry.name)), text)


def _redshift_tables(pipeline: str, tables: list[tuple[Loc, str]]) -> Iterator[Problem]:
    """It cuts names of more than 127 bytes, those of staging tables too."""
    for loc, name in tables:
        if len(name) <= _LONGEST_NAME and len(pipeline) + len(name) > LONGEST_NAMES:
            text = f"the pipeline {pipeline} and the table {name} have more than {LONGEST_NAMES} letters together, "
            yield Problem(loc, text + "too many for the names of staging tables on Redshift: shorten one of the two")


def _landing(document: dict[str, Any]) -> Iterator[Problem]:
    """The format of landed parts against the warehouse that loads them."""
    kind, format_ = (mapping(document.get(s)).get(key) for s, key in (("warehouse", "kind"), ("landing", "format")))
    if (kind, format_) == (WarehouseKind.CLICKHOUSE, LandingFormat.CSV):
        text = "csv is for Redshift: remove it, and parts are parquet, which keeps types and numbers as they are"
        yield Problem(("landing", "format"), text)
    if (kind, format_) != (WarehouseKind.REDSHIFT, LandingFormat.PARQUET):
        return
    for name, section in mapping(document.get("collections")).items():
        options = mapping(mapping(mapping(section).get("redshift")).get("copy_options"))
        for option in ("acceptanydate", "truncatecolumns", "maxerror"):
            if options.get(option):
                loc = ("collections", name, "redshift", "copy_options", option)
                yield Problem(loc, "COPY does not take it for parquet: remove it, or set landing.format to csv")


def _schedule(document: dict[str, Any]) -> Iterator[Problem]:
    mode = mapping(document.get("capture")).get("mode")
    if document.get("schedule") == CONTINUOUS and mode != CHANGE_STREAM:
        text = f"{CONTINUOUS} needs a change stream: set capture.mode to change_stream, or write a cron expression here"
        yield Problem(("schedule",), text)


def _deletes(document: dict[str, Any], collections: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """How deleted documents are found against how changes are."""
    capture = mapping(document.get("capture"))
    streams = capture.get("mode") == CHANGE_STREAM
    for option in ("overlap", "lag") if streams else ():
        if option in capture:
            yield Problem(("capture", option), "is of mode modified, a change stream has none: remove it")
    for name, section in collections.items():
        loc = ("collections", name, "deletes")
        if section.get("deletes") == "stream" and not streams:
            yield Problem(loc, "needs a change stream: set capture.mode to change_stream, or write reconcile here")
        if section.get("deletes") == "reconcile" and streams:
            yield Problem(loc, "the change stream has the deletes: write stream, or none to keep what was deleted")


def _known(used: Iterable[str], columns: list[Entry], loc: Loc) -> Iterator[Problem]:
    names = {entry.name: entry for entry in columns if entry.name}
    seen: set[str] = set()
    for name in used:
        if name in seen:
            yield Problem(loc, f"{name} stands here twice: remove one")
        elif name not in names:
            by_path = next((e.name for e in columns if e.path == name and e.name), None)
            hint = f"its column is {by_path}" if by_path else did_you_mean(name, names)
            yield Problem(loc, f"there is no column {shown(name)}: {hint}")
        seen.add(name)


def _tables(tables: list[tuple[Loc, str]]) -> Iterator[Problem]:
    first: dict[str, Loc] = {}
    for loc, name in tables:
        what = "the child" if len(loc) > 2 else "the collection"
        other = first.setdefault(name.lower(), loc)
        if len(name) > _LONGEST_NAME:
            yield Problem(loc, f"the table {name} has more than {_LONGEST_NAME} letters: give {what} a shorter name")
        if "__" in f"_{name}":
            yield Problem(loc, f"the table {name} holds __ or starts with _, as Sluice's own: give {what} another name")
        if other != loc:
            fix = f"give {what} another name" if len(loc) >= len(other) else "give that child another name"
            yield Problem(loc, f"the table {name} is also made by {dotted(other)}: {fix}")
