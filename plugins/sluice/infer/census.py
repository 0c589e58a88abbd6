"""What sampled documents hold, path by path: BSON types, sizes, ranges, and the column types that do not take it all.

Whether a type takes a value is asked of the rule that a batch will use (:mod:`sluice.values`), so that a type that is
chosen by the census rejects nothing that was sampled. Memory is bounded: by the paths, not by the documents.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128, Int64

from sluice.columns import MAX_PRECISION, ColumnType, Kind
from sluice.extended_json import extended_json
from sluice.fields import Document, as_document
from sluice.limits import Limits
from sluice.misfit import Misfit, type_name
from sluice.raw_documents import bounds_of, decode, pieces
from sluice.texts import fit_json
from sluice.values import decimal_of, rule_for

DEPTH: Final = 3
"""Documents within documents whose fields are looked at."""
ARRAYS: Final = 6
"""Arrays within arrays, with documents between them or not, whose elements are looked at."""
MOST_FIELDS: Final = 200
"""Of one document; what is beyond is only counted."""
MOST_PATHS: Final = 5_000
"""Of one collection."""

CANDIDATES: Final[dict[str, tuple[Kind, ...]]] = {
    "bool": (Kind.BOOL,),
    "int": (Kind.INT32, Kind.INT64, Kind.FLOAT64, Kind.DECIMAL),
    "long": (Kind.INT64, Kind.FLOAT64, Kind.DECIMAL),
    "double": (Kind.FLOAT64, Kind.DECIMAL),
    "decimal": (Kind.DECIMAL,),
    "string": (Kind.TEXT,),
    "date": (Kind.TIMESTAMP,),
    "objectId": (Kind.OBJECTID,),
    "binary (subtype 0)": (Kind.BINARY,),
    "binary (subtype 4)": (Kind.UUID,),
}
"""BSON type → the column types that are meant for it. Not a whole double as an integer: the next one may be 2.5."""

_PIECE_BYTES = 128 * 1024
_FAR_OUT = 18
_REPLACED = ("invalid_utf8", "nul_character")
_TOO_LARGE = ("too_long", "too_deep")
_NUMBERS = frozenset({int, Int64, float, Decimal128})
_TESTED = {kind: ColumnType(kind) for kinds in CANDIDATES.values() for kind in kinds if kind is not Kind.DECIMAL}


@dataclass(slots=True)
class Span:
    """The lowest and the highest of some values."""

    low: Any = None
    high: Any = None

    def add(self, value: Any) -> None:
        """Widen the span."""
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)


@dataclass(slots=True)
class Seen:
    """What was seen at one path. ``depth`` and ``arrays``: how many documents and arrays stand around it.

    ``types``: BSON type → values; a value that is missing is in none. ``unfit``: candidate → values that it does not
    take. ``garbled``: values that need ``on_error: replace`` to be text. ``beyond``: values that the warehouse cannot
    hold, whatever their column. ``longest``: bytes of the longest string.
    ``whole`` and ``places``: digits before and after the point of any number. ``fields`` of the documents,
    ``others``: fields that were not looked at. ``elements`` of the arrays, whose lengths are in ``lengths``.
    """

    depth: int = 0
    arrays: int = 0
    types: Counter[str] = field(default_factory=Counter)
    unfit: Counter[Kind] = field(default_factory=Counter)
    garbled: int = 0
    beyond: int = 0
    longest: int = 0
    whole: int = 0
    places: int = 0
    integers: Span = field(default_factory=Span)
    dates: Span = field(default_factory=Span)
    lengths: Span = field(default_factory=Span)
    fields: dict[str, Seen] = field(default_factory=dict)
    others: int = 0
    elements: Seen | None = None

    @property
    def present(self) -> set[str]:
        """The BSON types that were seen, without null."""
        return self.types.keys() - {"null"}

    @property
    def misfits(self) -> Counter[Kind]:
        """Candidate → values that it does not take, those of other types included."""
        values = {kind: sum(self.types[name] for name, kinds in CANDIDATES.items() if kind in kinds) for kind in Kind}
        there = self.types.total() - self.types["null"]
        wide = self.whole + self.places > MAX_PRECISION
        return Counter(
            {
                kind: there if kind is Kind.DECIMAL and wide else there - taken + self.unfit[kind]
                for kind, taken in values.items()
            }
        )

    def all_garbled(self) -> int:
        """Values that need ``on_error: replace`` to be text, here and in everything inside."""
        return self.garbled + sum(each.all_garbled() for each in self._inside)

    def all_beyond(self) -> int:
        """Values that the warehouse cannot hold, here and in everything inside."""
        return self.beyond + sum(each.all_beyond() for each in self._inside)

    def judge(self, misfit: Misfit, kind: Kind | None = None) -> None:
        """Count a value that does not fit as it is; ``kind``: into the column type that was tried."""
        if misfit.reason in _REPLACED:  # what `on_error: replace` makes a text of is left to it
            self.garbled += 1
        elif misfit.reason in _TOO_LARGE:
            self.beyond += 1
        elif kind:
            self.unfit[kind] += 1

    @property
    def _inside(self) -> list[Seen]:
        return [*self.fields.values(), *([self.elements] if self.elements else [])]


class Census:
    """What the documents of one collection hold. ``root`` is the document itself."""

    def __init__(self, limits: Limits) -> None:
        self.documents = self.undecodable = 0
        self.root = Seen()
        self._limits = limits
        self._rules = {kind: rule_for(column_type, limits) for kind, column_type in _TESTED.items()}
        self._paths_left = MOST_PATHS

    def add(self, raw: bytes) -> int:
        """Look at concatenated BSON documents. Returns how many they are."""
        bounds = bounds_of(raw)
        for part in pieces(bounds, _PIECE_BYTES):
            documents, undecodable = decode(raw, part)
            self.undecodable += len(undecodable)
            for row, document in enumerate(documents):
                if row not in undecodable:
                    self._see(self.root, document)
        self.documents += len(bounds) - 1
        return len(bounds) - 1

    def _see(self, seen: Seen, value: Any) -> None:
        name = type_name(value)
        seen.types[name] += 1
        document = as_document(value)
        if document is not None:
            self._see_fields(seen, document)
        elif type(value) is list:
            self._see_elements(seen, value)
        elif name not in CANDIDATES:
            self._judge(seen, value)
        else:
            self._try(seen, value, CANDIDATES[name])
            _measure(seen, value)

    def _try(self, seen: Seen, value: Any, kinds: tuple[Kind, ...]) -> None:
        for kind in kinds:
            if kind in self._rules:
                try:
                    self._rules[kind](value)
                except Misfit as misfit:
                    seen.judge(misfit, kind)

    def _judge(self, seen: Seen, value: Any) -> None:
        """Of what can only be JSON: is it text, and does the warehouse hold it?"""
        try:
            fit_json(extended_json(value), self._limits)
        except Misfit as misfit:
            seen.judge(misfit)

    def _see_fields(self, seen: Seen, document: Document) -> None:
        if seen.depth > DEPTH:
            seen.others += len(document)
            self._judge(seen, document)
            return
        for name, value in document.items():
            inner = seen.fields.get(name) or self._new_field(seen, name)
            if inner:
                self._see(inner, value)
            else:
                seen.others += 1
                self._judge(seen, {name: value})

    def _new_field(self, seen: Seen, name: str) -> Seen | None:
        if len(seen.fields) == MOST_FIELDS or not self._paths_left or not _is_text(name):
            return None
        self._paths_left -= 1
        return seen.fields.setdefault(name, Seen(seen.depth + 1, seen.arrays))

    def _see_elements(self, seen: Seen, array: list[Any]) -> None:
        seen.lengths.add(len(array))
        if seen.arrays == ARRAYS:
            self._judge(seen, array)
            return
        seen.elements = seen.elements or Seen(arrays=seen.arrays + 1)
        for element in array:
            self._see(seen.elements, element)


def _measure(seen: Seen, value: Any) -> None:
    kind = type(value)
    if kind is str:
        # What stands for a byte that is not UTF-8 takes three.
        seen.longest = max(seen.longest, len(value.encode("utf-8", "surrogatepass")))
    elif kind in {int, Int64}:
        seen.integers.add(int(value))
    elif kind is datetime:
        seen.dates.add(value)
    if kind in _NUMBERS:
        _measure_digits(seen, decimal_of(value))


def _measure_digits(seen: Seen, number: Decimal) -> None:
    if not number.is_finite():
        seen.unfit[Kind.DECIMAL] += 1
        return
    places = -int(number.as_tuple().exponent)
    if places > _FAR_OUT:  # then zeros at the end are noise, and not how prices are written
        digits = "".join(map(str, number.as_tuple().digits))
        places -= len(digits) - len(digits.rstrip("0")) if number else places
    seen.places = max(seen.places, places)
    seen.whole = max(seen.whole, number.adjusted() + 1 if number else 0)


def _is_text(name: str) -> bool:
    """Is a field's name UTF-8?"""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
