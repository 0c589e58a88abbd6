"""Landing one range: documents in, parts and rejects out, its manifest last."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from sluice.conform import Conformed
from sluice.drift import Drift
from sluice.encoding import Encoding
from sluice.errors import CountMismatch
from sluice.hashes import columns_hash
from sluice.manifest import Manifest, part_key
from sluice.parts import RejectsWriter, TableWriter, Upload
from sluice.s3_client import s3_errors
from sluice.threads import Stage

if TYPE_CHECKING:
    from sluice.landing import Landing
    from sluice.spec import Collection
    from sluice.window import Plan, Range

log = logging.getLogger(__name__)


class RangeWriter:
    """Lands one range: an encoding and an uploading thread behind the caller, each at most a step.

    ``late`` is for the caller to set, see :class:`sluice.manifest.Manifest`.
    """

    late = False

    def __init__(self, landing: Landing, plan: Plan, collection: Collection, piece: Range, encoding: Encoding) -> None:
        self._landing, self._plan, self._piece, self._encoding = landing, plan, piece, encoding
        self._folder = landing.folder(plan, piece)
        self._specs = {table.name: table for table in collection.tables}
        self._own = collection.tables[0].name
        self._columns = columns_hash(collection)
        self._tables: dict[str, TableWriter] = {}
        self._read = self._read_bytes = self._asked = self._gone = self._marked = 0
        self._coerced: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._drift = Drift()
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """What was landed; after leaving the context without an error."""
        assert self._manifest is not None
        return self._manifest

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        self._uploader = self._landing.uploader()
        self._rejects = RejectsWriter(lambda: self._uploader.open(f"{self._folder}rejects.bson.gz"))
        self._encoder: Stage[Conformed] = Stage(self._encode, name="encode")
        return self

    def write(self, conformed: Conformed, *, read_bytes: int) -> None:
        """Land a batch; waits while encoding and uploading are too far behind."""
        with s3_errors(f"land {self._piece.collection} {self._piece.name}"):
            self._encoder.put(conformed)
        self._read += conformed.read
        self._read_bytes += read_bytes
        for column, uses in conformed.coerced.items():
            for action, times in uses.items():
                self._coerced[column][action] += times
        self._drift.add(conformed.undeclared)

    def asked(self, keys: int, gone: int) -> None:
        """Count keys that were asked for, and those of them that were not found."""
        self._asked += keys
        self._gone += gone

    def mark(self, conformed: Conformed) -> None:
        """Land rows that say "gone"; what was rejected of them is of keys that were never stored."""
        marks = Conformed(0, conformed.tables, [], {})
        with s3_errors(f"land {self._piece.collection} {self._piece.name}"):
            self._encoder.put(marks)
        self._marked += marks.tables[self._own].num_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            with s3_errors(f"land {self._piece.collection} {self._piece.name}"):
                self._finish()
        except BaseException:
            self._abandon()
            raise

    def _finish(self) -> None:
        self._encoder.finish()
        for table in self._tables.values():
            table.close()
        self._rejects.close()
        self._uploader.finish()
        manifest = self._made()
        self._check_counts(manifest)
        self._manifest = self._landing.put_manifest(self._plan, self._piece, manifest)

    def _abandon(self) -> None:
        try:
            self._uploader.abandon()  # first: an encoder that waits for it then ends
        except (BotoCoreError, ClientError) as error:
            log.warning("an unfinished upload under %s could not be aborted (%s)", self._folder, type(error).__name__)
        self._encoder.abandon()

    def _encode(self, conformed: Conformed) -> None:
        for name, batch in conformed.tables.items():
            if name not in self._tables:
                self._tables[name] = TableWriter(self._specs[name], self._encoding, partial(self._open_part, name))
            self._tables[name].write(batch)
        self._rejects.write(conformed.rejects)

    def _open_part(self, table: str, number: int) -> Upload:
        return self._uploader.open(part_key(self._folder, table, number, self._encoding.ending))

    def _made(self) -> Manifest:
        return Manifest(
            plan=self._plan.id,
            collection=self._piece.collection,
            range=self._piece.name,
            spec_hash=self._plan.spec_hash,
            warehouse=self._encoding.warehouse,
            format=self._encoding.format,
            read=self._read,
            read_bytes=self._read_bytes,
            rejected=self._rejects.count,
            parts=tuple(part for table in self._tables.values() for part in table.parts),
            rejects_key=self._rejects.key,
            coerced={column: dict(uses) for column, uses in self._coerced.items()},
            columns=self._columns,
            drift=self._drift.to_json(),
            seconds=round(time.monotonic() - self._begun, 3),
            asked=self._asked,
            gone=self._gone,
            marked=self._marked,
            late=self.late,
            turn=self._piece.turn,
        )

    def _check_counts(self, manifest: Manifest) -> None:
        rows = manifest.rows(self._own)
        listed = self._piece.keys is not None
        if manifest.read + manifest.marked != rows + manifest.rejected or (
            listed and manifest.asked != manifest.read + manifest.gone
        ):
            raise CountMismatch(
                f"{manifest.read} documents of {manifest.collection} {manifest.range} were read, but "
                f"{rows} rows and {manifest.rejected} rejects were landed",
                why=f"{manifest.asked} keys asked for, {manifest.gone} gone, {manifest.marked} marked" * listed,
                fix="this is an error of Sluice: please report it with the range and the pipeline file",
            )
