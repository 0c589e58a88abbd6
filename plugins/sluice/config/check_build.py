"""From one line of ``checks`` to :mod:`sluice.spec`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sluice.config.check_shape import CheckSection
from sluice.spec import CheckKind, DataCheck


def data_checks(collection: str, section: CheckSection, folder: Path) -> Iterator[DataCheck]:
    """What a line asks for: one check, or one for each column of ``not_null``. ``folder``: of files with own SQL."""
    found = next(_all(section, folder))
    found = replace(found, table=section.table or collection, severity=section.severity)
    if found.kind is CheckKind.NOT_NULL:
        yield from (replace(found, columns=(column,)) for column in found.columns)
    else:
        yield found


def _all(section: CheckSection, folder: Path) -> Iterator[DataCheck]:
    if section.not_null:
        yield DataCheck("", CheckKind.NOT_NULL, tuple(section.not_null))
    if section.unique:
        yield DataCheck("", CheckKind.UNIQUE, tuple(section.unique))
    if accepted := section.accepted_values:
        yield DataCheck("", CheckKind.ACCEPTED_VALUES, (accepted.column,), values=tuple(map(str, accepted.values)))
    if related := section.relationship:
        yield DataCheck("", CheckKind.RELATIONSHIP, (related.column,), to=related.to)
    if section.row_count_change is not None:
        yield DataCheck("", CheckKind.ROW_COUNT_CHANGE, share=section.row_count_change)
    if newest := section.freshness:
        yield DataCheck("", CheckKind.FRESHNESS, (newest.column,), within=newest.within)
    if section.sql:
        yield DataCheck("", CheckKind.SQL, file=folder / f"{section.sql}.sql")
