"""How the cluster reaches the landing: the manifest that COPY follows, and what authorizes it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from sluice import s3_client, spec
from sluice.errors import ConfigError
from sluice.manifest import Part
from sluice.s3_client import s3_errors
from sluice.settings import Endpoint
from sluice.statements import Sql, literal

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from sluice.window import Plan

_DEFAULT_ROLE: Final = "default"


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens the bucket to someone without a role. All of it is secret but the first."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True)
class Access:
    """The landing's bucket, as the cluster and as this process reach it."""

    bucket: str
    landing: Endpoint
    role: str | None = None
    prefix: str = ""

    @classmethod
    def of(cls, warehouse: Endpoint, landing: Endpoint, place: spec.Landing) -> Self:
        """``iam_role`` of the warehouse connection's extra is an ARN, several with commas, or ``default``."""
        return cls(place.bucket, landing, str(warehouse.extra.get("iam_role") or "") or None, place.prefix)

    @property
    def region(self) -> str | None:
        """The bucket's region, where the landing connection names it."""
        return self.landing.extra.get("region_name") or None

    @property
    def authorization(self) -> Sql:
        """The clause of COPY. Raises ConfigError when there is neither a role nor a key."""
        if self.role:
            role = "default" if self.role == _DEFAULT_ROLE else literal(self.role).text
            return Sql(f"IAM_ROLE {role}")
        keys = self._keys
        clause = f"ACCESS_KEY_ID {literal(keys.access_key).text} SECRET_ACCESS_KEY {literal(keys.secret_key).text}"
        return Sql(f"{clause} SESSION_TOKEN {literal(keys.token).text}" if keys.token else clause)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the clause shows that nobody else may see."""
        return () if self.role else tuple(filter(None, (self._keys.secret_key, self._keys.token)))

    def put(self, key: str, body: bytes) -> Sql:
        """Write an object beside the parts; its address, quoted. Raises LandingUnavailable, AccessDenied."""
        with s3_errors(f"write s3://{self.bucket}/{key}"):
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return literal(f"s3://{self.bucket}/{key}")

    @contextmanager
    def temporary(self, file: str, body: bytes) -> Iterator[Sql]:
        """An object for a trial, as a COPY manifest of one part; its address, quoted. It is deleted afterwards."""
        key = f"{self.prefix}/{file}".lstrip("/")
        self.put(key, body)
        part = Part("probe", key, 1, len(body), "")
        try:
            yield self.put(f"{key}.json", copy_manifest(self.bucket, [part]))
        finally:
            with s3_errors(f"delete s3://{self.bucket}/{key}"):
                for name in (key, f"{key}.json"):
                    self.s3.delete_object(Bucket=self.bucket, Key=name)

    def misfits(self, parts: Sequence[Part], rows: Callable[[bytes], int]) -> list[str]:
        """What is wrong with which object, for people: those with another size than their manifest says."""
        return [text for part in parts if (text := self._misfit(part, rows))]

    def _misfit(self, part: Part, rows: Callable[[bytes], int]) -> str:
        with s3_errors(f"read s3://{self.bucket}/{part.key}"):
            size = self.s3.head_object(Bucket=self.bucket, Key=part.key)["ContentLength"]
            if size == part.bytes:
                return ""
            data = self.s3.get_object(Bucket=self.bucket, Key=part.key)["Body"].read()
        try:
            return f"{part.key} has {rows(data)} rows, its manifest says {part.rows}"
        except (OSError, EOFError, zlib.error, ValueError):
            return f"{part.key} cannot be read: it has {size:,} bytes, its manifest says {part.bytes:,}"

    @cached_property
    def s3(self) -> S3Client:
        """This process's own way to the bucket."""
        return s3_client.connect(self.landing)

    @property
    def _keys(self) -> Keys:
        if self.landing.login and self.landing.password:
            return Keys(self.landing.login, self.landing.password, self.landing.extra.get("aws_session_token"))
        found = s3_client.own_keys()
        if found is None:
            raise ConfigError(
                "nothing authorizes the cluster to read the landing",
                why="the warehouse connection has no iam_role, and the landing connection no login",
                fix="give the cluster a role that may read the bucket; name it in the warehouse connection's extra, "
                "`iam_role`",
            )
        return Keys(*found)


def copy_manifest(bucket: str, parts: Sequence[Part]) -> bytes:
    """The object that COPY follows: exactly these parts, each of which must be there, with its size."""
    entries = [
        {"url": f"s3://{bucket}/{part.key}", "mandatory": True, "meta": {"content_length": part.bytes}}
        for part in parts
    ]
    return json.dumps({"entries": entries}, indent=1).encode()


def manifest_key(part: Part, plan: Plan) -> str:
    """Where a table's COPY manifest lies: in the plan's own folder, beside its ranges."""
    folder, mark, _ = part.key.partition(f"/{plan.id}/")
    assert mark, "a part lies in its plan's folder"
    return f"{folder}{mark}copy-{part.table}{plan.staging.removeprefix(plan.id)}.json"
