"""A collection's own ``transform: module:function``: a record batch of the own table in, one of the same shape out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pyarrow as pa

from sluice.arrow import GONE, HASH, TURN
from sluice.errors import ConfigError
from sluice.spec import Collection

Transform = Callable[[pa.RecordBatch], pa.RecordBatch]


def load_transform(collection: Collection) -> Transform | None:
    """The collection's transform, held to its contract. Raises ConfigError when it cannot be imported.

    The function sees the columns that analysts see. It must return the same columns, types, rows and keys: then the
    rows of child tables still belong to them. Otherwise the returned function raises ConfigError.
    """
    if collection.transform is None:
        return None
    name, key, function = collection.transform, collection.key.name, _imported(collection)

    def transform(batch: pa.RecordBatch) -> pa.RecordBatch:
        added = [HASH, GONE, TURN]
        given = batch.drop_columns(added)
        made = function(given)
        _check(name, given, made, key)
        return pa.RecordBatch.from_arrays([*made.columns, *(batch[name] for name in added)], schema=batch.schema)

    return transform


def _imported(collection: Collection) -> Callable[[pa.RecordBatch], Any]:
    module, _, name = str(collection.transform).partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{collection.name}: the transform {collection.transform!r} cannot be imported",
            why=str(error),
            fix="name it as module:function, with the module importable where tasks run (plugins/ is)",
        ) from error
    return function  # type: ignore[no-any-return]


def _check(name: str, given: pa.RecordBatch, made: Any, key: str) -> None:
    if not isinstance(made, pa.RecordBatch):
        fault = f"it returned {type(made).__name__}, not a RecordBatch"
    elif [(f.name, f.type) for f in made.schema] != [(f.name, f.type) for f in given.schema]:
        fault = f"it changed the columns from {given.schema.names} to {made.schema.names}, or their types"
    elif made.num_rows != given.num_rows:
        fault = f"it made {made.num_rows} rows of {given.num_rows}"
    elif not made[key].equals(given[key]):
        fault = f"it changed the key {key}"
    else:
        return
    raise ConfigError(f"the transform {name!r} broke its contract", why=fault, fix="keep columns, types, rows and keys")
