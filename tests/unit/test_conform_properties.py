"""What holds for any documents and any pipeline file: nothing lost (I1), nothing dependent on neighbours or order."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import bson
import pytest
from bson import json_util
from bson.json_util import RELAXED_JSON_OPTIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice import conform
from sluice.columns import ColumnType, OnError
from sluice.conform import CLICKHOUSE_LIMITS, Conformed, Conformer
from sluice.errors import SluiceError
from sluice.spec import Child, Collection, Column, UnknownFields
from tests.bson_values import CODEC, values
from tests.factories import a_collection, a_column, raw

TYPES = [
    "key",
    "string(3)",
    "text",
    "int32",
    "int64",
    "float64",
    "decimal(6,2)",
    "bool",
    "timestamp",
    "date",
    "objectid",
]
TYPES += ["uuid", "binary", "json"]
NAMES = ["a", "b", "c", "d"]
PATHS = ["a", "b", "c", "a.b", "a.b.c", "b.a", "_id.a"]

types = st.sampled_from(TYPES).map(ColumnType.parse)
actions = st.sampled_from(OnError)


def _columns(paths: list[str]) -> st.SearchStrategy[tuple[Column, ...]]:
    one = st.tuples(st.sampled_from(paths), types, actions)
    return st.lists(one, max_size=4).map(
        lambda drawn: tuple(
            Column(f"c{number}", path, kind, on_error) for number, (path, kind, on_error) in enumerate(drawn)
        )
    )


def _child(path: str, levels: int = 2, name: str = "of") -> st.SearchStrategy[Child]:
    name, depth = f"{name}_{path}", st.sampled_from([1, 1, 2])
    value = st.builds(lambda kind, on_error: (Column("value", "", kind, on_error),), types, actions)
    inner = st.one_of(st.just(()), st.tuples(_child("c", levels - 1, name))) if levels else st.just(())
    return st.one_of(
        st.builds(lambda columns, n: Child(name, path, columns, of_documents=False, depth=n), value, depth),
        st.builds(
            lambda columns, n, children: Child(name, path, columns, of_documents=True, depth=n, children=children),
            _columns(["a", "b", "a.b"]),
            depth,
            inner,
        ),
    )


collections = st.builds(
    lambda key, columns, children, unknown: Collection(
        "t", None, (Column("id", "_id", ColumnType.parse(key)), *columns), tuple(children), unknown_fields=unknown
    ),
    st.sampled_from(["key", "key", "objectid", "int64", "string(5)"]),
    _columns(PATHS),
    st.sampled_from([[], ["d"], ["a.c", "d"]]).flatmap(lambda paths: st.tuples(*map(_child, paths))),
    st.sampled_from(UnknownFields),
)
inner = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
documents = st.dictionaries(
    st.sampled_from([*NAMES, "_id", "_id", "a.b"]),
    st.one_of(values, inner, st.lists(st.one_of(values, inner), max_size=3), st.just("x"), st.integers(-5, 5)),
    max_size=6,
)
batches = st.lists(documents, max_size=6)


def _conform(collection: Collection, batch: bytes) -> Conformed:
    return Conformer(collection, limits=CLICKHOUSE_LIMITS, hash_seed=1)(batch)


def _outcome(*parts: Conformed) -> tuple[Any, ...]:
    """Everything that came out, without its order. As text: NaN is not equal to itself."""
    rows = Counter(
        (name, repr(row)) for part in parts for name, table in part.tables.items() for row in table.to_pylist()
    )
    rejects = Counter(repr(reject) for part in parts for reject in part.rejects)
    coerced: Counter[tuple[str, str]] = Counter()
    for part in parts:
        for column, uses in part.coerced.items():
            coerced.update({(column, action): count for action, count in uses.items()})
    return rows, rejects, coerced


@settings(deadline=None, max_examples=150)
@given(collections, batches)
def test_every_document_is_a_row_or_a_reject(collection: Collection, batch: list[dict[str, Any]]) -> None:
    """I1."""
    conformed = _conform(collection, raw(*batch))

    own, *children = conformed.tables.values()
    assert conformed.read == len(batch) == own.num_rows + len(conformed.rejects)
    keys, hashes = own["id"].to_pylist(), set(own["_hash"].to_pylist())
    assert None not in keys
    for table in conformed.tables.values():
        table.validate(full=True)
    for child in children:
        assert set(child["parent_id"].to_pylist()) <= set(keys)
        assert set(child["_hash"].to_pylist()) <= hashes
    assert all(reject.raw in map(bson.encode, batch) for reject in conformed.rejects)


@settings(deadline=None, max_examples=100)
@given(collections, batches, st.randoms(use_true_random=False), st.integers(0, 6))
def test_neighbours_and_order_change_nothing(
    collection: Collection, batch: list[dict[str, Any]], chance: random.Random, cut: int
) -> None:
    shuffled = chance.sample(batch, len(batch))

    whole = _conform(collection, raw(*batch))
    parts = [_conform(collection, raw(*part)) for part in (shuffled[:cut], shuffled[cut:])]
    alone = [_conform(collection, raw(document)) for document in batch]

    assert _outcome(whole) == _outcome(*parts) == _outcome(*alone)


@settings(deadline=None, max_examples=60)
@given(collections, batches, st.integers(5, 60))
def test_pieces_change_nothing(collection: Collection, batch: list[dict[str, Any]], size: int) -> None:
    whole = _conform(collection, raw(*batch))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conform, "_PIECE_BYTES", size)
        assert repr(_conform(collection, raw(*batch)).rejects) == repr(whole.rejects)
        assert _outcome(_conform(collection, raw(*batch))) == _outcome(whole)


@settings(deadline=None, max_examples=150)
@given(documents.filter(lambda d: "_id" in d), st.lists(st.sampled_from(["a", "b", "a.b", "b.a.c"]), unique=True))
def test_columns_and_extra_together_are_the_document(document: dict[str, Any], paths: list[str]) -> None:
    columns = (a_column(), *(a_column(f"c{n}", "json", path=path) for n, path in enumerate(paths)))
    conformed = _conform(a_collection(columns=columns), raw(document))

    (row,) = conformed.tables["documents"].to_pylist()
    source = json.loads(json_util.dumps(bson.decode(raw(document), CODEC), json_options=RELAXED_JSON_OPTIONS))
    del source["_id"]
    for number, path in enumerate(paths):
        found = row[f"c{number}"]
        assert (json.loads(found) if found else None) == _at(source, path.split("."))
    for path in sorted(paths, key=len, reverse=True):
        _remove(source, path.split("."))
    assert json.loads(row["_extra"] or "{}") == source


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _remove(parent: dict[str, Any], path: list[str]) -> None:
    name, *rest = path
    if rest and isinstance(parent.get(name), dict):
        _remove(parent[name], rest)
    if not rest or parent.get(name) in (None, {}):
        parent.pop(name, None)


@settings(deadline=None, max_examples=200)
@given(collections, st.lists(documents, min_size=1, max_size=4), st.data())
def test_any_bytes_in_the_frame_of_a_document_are_a_row_or_a_reject(
    collection: Collection, batch: list[dict[str, Any]], data: st.DataObject
) -> None:
    whole = [bytearray(bson.encode(document)) for document in batch]
    damaged = whole[0]
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    conformed = _conform(collection, raw(*map(bytes, whole)))

    assert conformed.read == len(batch) == conformed.tables["t"].num_rows + len(conformed.rejects)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_at_all_are_conformed_or_refused_as_damaged(noise: bytes) -> None:
    try:
        conformed = _conform(a_collection(), noise)
    except SluiceError:
        return
    assert conformed.read == conformed.tables["documents"].num_rows + len(conformed.rejects)
