"""Somebody of the analysts' role, on a warehouse of the test's own: asks, and is answered or refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from xml.sax.saxutils import escape

from redshift_connector.error import ProgrammingError

from devstack.clickhouse.rights import FILE
from tests.contract.grounds import Ground, RedshiftGround

REFUSED = "refused"
NO_RIGHT = "42501"
ROLE = "sluice_analysts"


class Ask(Protocol):
    """Sends statements one by one. Returns for each its rows as text, or REFUSED."""

    def __call__(self, *statements: str) -> list[str]: ...


@contextmanager
def on_redshift(ground: RedshiftGround) -> Iterator[Ask]:
    """A user of the group, in a session that has only that user's rights."""
    ground.command("CREATE USER ann PASSWORD 'Abcdefg1'")
    ground.command(f"ALTER GROUP {ROLE} ADD USER ann")
    session = ground.servers.session()
    session.autocommit = True
    session.cursor().execute("SET SESSION AUTHORIZATION ann")

    def ask(*statements: str) -> list[str]:
        return [_asked(session, statement) for statement in statements]

    yield ask


def _asked(session: Any, statement: str) -> str:
    cursor = session.cursor()
    try:
        cursor.execute(statement)
    except ProgrammingError as error:
        if error.args[0]["C"] != NO_RIGHT:
            raise
        return REFUSED
    return repr([tuple(row) for row in cursor.fetchall()]) if cursor.description else ""


@contextmanager
def on_clickhouse(folder: Path) -> Iterator[Ask]:
    """The data of a server that has ended, in an engine whose only user has the role, as it was told to make it.

    The engine keeps no roles but those of a file. Its only user is also the one that made the views: there a user with
    all rights takes that one's place, as on a server, where they are two.
    """
    for file in (folder / "data").rglob("*.sql"):
        text = file.read_text()
        if "DEFINER = default" in text:
            file.write_text(text.replace("DEFINER = default", "DEFINER = loader"))
    users = folder / "users.xml"
    users.write_text(users_of((folder / "data" / FILE).read_text().splitlines()))
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{escape(str(users))}</users_config></clickhouse>")

    def ask(*statements: str) -> list[str]:
        words = [sys.executable, "-c", _ENGINE, f"{folder / 'data'}?config-file={config}"]
        done = subprocess.run(words, input=json.dumps(statements), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout.splitlines()[-1]))

    yield ask


def users_of(rights: list[str]) -> str:
    """A users file that gives the role what these statements give it."""
    grants = [line.removesuffix(f" TO {ROLE}") for line in rights if line.startswith("GRANT ")]
    (profile,) = [line for line in rights if line.startswith("CREATE SETTINGS PROFILE")]
    assert profile.endswith(f" TO {ROLE}"), profile
    assert f"CREATE ROLE IF NOT EXISTS {ROLE}" in rights
    constant: Mapping[str, str] = dict(re.findall(r"(\w+) = (\w+) CONST", profile))
    settings = "".join(f"<{name}>{value}</{name}>" for name, value in constant.items())
    fixed = "".join(f"<{name}><const/></{name}>" for name in constant)
    given = "".join(f"<query>{escape(grant)}</query>" for grant in dict.fromkeys(grants))
    return _USERS.format(settings=settings, constraints=fixed, grants=given, role=ROLE)


_PERSON = "<password></password><networks><ip>::/0</ip></networks><quota>default</quota>"
_USERS = f"""<clickhouse>
<profiles><default/><analysts>{{settings}}<constraints>{{constraints}}</constraints></analysts></profiles>
<roles><{{role}}><grants>{{grants}}</grants></{{role}}></roles>
<users>
<default>{_PERSON}<profile>analysts</profile><grants><query>GRANT {{role}}</query></grants></default>
<loader>{_PERSON}<profile>default</profile></loader>
</users>
<quotas><default/></quotas>
</clickhouse>"""

_ENGINE = """
import json, os, sys
import chdb
connection = chdb.connect(sys.argv[1])
answers = []
for statement in json.load(sys.stdin):
    try:
        answers.append(str(connection.query(statement, "TSV")).strip())
    except Exception as error:
        said = str(error)
        assert "ACCESS_DENIED" in said or "SETTING_CONSTRAINT_VIOLATION" in said, said
        answers.append("refused")
print(json.dumps(answers), flush=True)
os._exit(0)
"""


@contextmanager
def an_analyst(ground: Ground, folder: Path) -> Iterator[Ask]:
    """Somebody of the role. ``folder`` is that of a ClickHouse that has ended."""
    with on_redshift(ground) if isinstance(ground, RedshiftGround) else on_clickhouse(folder) as ask:
        yield ask
