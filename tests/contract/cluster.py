"""A real cluster instead of the stand-in, for whoever has one: CONTRIBUTING.md has the command."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from devstack.servers import S3, Redshift
from devstack.servers.redshift import endpoint_of
from tests.contract.lab import Servers
from tests.contract.redshift import RedshiftServers

MARKER = "cluster"
_NEEDED = (Redshift.external, S3.external)
_FIXTURES = {"redshift_lab", "servers_of_both"}


def runs_there(item: pytest.Function) -> bool:
    """Whether a test asks nothing but the one server for Redshift."""
    kind = item.callspec.params.get("shared_lab") if hasattr(item, "callspec") else None
    return kind == "redshift" or bool(_FIXTURES & set(item.fixturenames))


def is_asked_for(config: pytest.Config) -> bool:
    """By its marker, and nothing less: a variable that is set for another reason must not send the tests there."""
    return bool(config.option.markexpr == MARKER)


def cluster_servers(local: Servers, given: Mapping[str, str]) -> RedshiftServers:
    """The cluster, and the S3 that it reads. Raises UsageError for a variable that is missing."""
    if missing := [name for name in _NEEDED if not given.get(name)]:
        raise pytest.UsageError(f"-m {MARKER} needs {' and '.join(missing)}: CONTRIBUTING.md says how")
    s3 = S3().exports(given[S3.external])
    return RedshiftServers({**local.environment, **s3}, endpoint_of(given[Redshift.external]))
