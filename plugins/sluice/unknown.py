"""What remains of documents when every declared field was taken: kept as JSON, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from sluice.extended_json import extended_json
from sluice.fields import Document, Field, first_unknown
from sluice.limits import Limits
from sluice.misfit import Misfit
from sluice.reader import Findings
from sluice.values import fit_text


def keep(rest: Sequence[Document], label: str, limits: Limits, findings: Findings) -> pa.Array:
    """The column ``_extra``: lossless JSON, null where nothing is undeclared."""
    if not any(rest):
        return pa.nulls(len(rest), pa.string())
    texts: list[str | None] = [None] * len(rest)
    for row, document in enumerate(rest):
        if document:
            try:
                texts[row] = fit_text(extended_json(document), limits.max_text_bytes, limits)
            except Misfit as misfit:
                findings.reject(row, label, misfit)
    return pa.array(texts, pa.string())


def refuse(rest: Sequence[Document], fields: Iterable[Field], prefix: str, findings: Findings) -> None:
    """Reject every document that has an undeclared field."""
    for row, document in enumerate(rest):
        if document:
            path = prefix + first_unknown(document, fields)
            findings.reject(row, path, Misfit("unknown_field", f"{path} is not declared"))
