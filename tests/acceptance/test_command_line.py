"""What somebody sees who types: every command on both warehouses, and one clear message for a wrong connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from devstack.publisher import Publisher
from sluice.cli import app
from tests.acceptance.conftest import World

ONLY_REDSHIFT = pytest.mark.parametrize("warehouse_kind", ["redshift"], indirect=True)


def sluice(world: World, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One command about the world's pipeline, in a process of its own."""
    command = [str(Path(sys.executable).parent / "sluice"), *words, str(world.file)]
    here = {**os.environ, **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=here)


def test_every_command_works(publishing: World) -> None:
    Publisher(publishing.database.client, publishing.database.name, seed=4).seed(documents=20, tickets=40)
    commands = (
        ("check", "connects"),
        ("migrate status", "0001"),
        ("status", "nothing published yet"),
        ("migrate up", "view "),
        ("migrate up", "nothing to do"),
        ("run", "batch 1 (live) is visible"),
        ("status", "batch 1 (live)"),
        ("verify", "yes"),
        ("migrate new", "nothing to write"),
        ("reconcile --dry-run", "dry run, nothing was published"),
        ("reconcile", "compared and repaired, against batch 1"),
        ("drift", ""),
        ("migrate new", "nothing to write"),
        ("replay", "nothing to replay"),
        ("rejects list", ""),
        ("sweep", "0 staging tables dropped"),
        ("cleanup --dry-run", "nothing is due"),
        ("cleanup", "nothing is due"),
    )

    for words, said in commands:
        done = CliRunner().invoke(app, [*words.split(), str(publishing.file)])
        assert done.exit_code == 0, (words, done.output, done.exception)
        assert said in done.output, words


@ONLY_REDSHIFT
def test_check_shows_what_was_tried_on_redshift(publishing: World) -> None:
    done = sluice(publishing, "check")

    shown = "".join(done.stdout.split())  # the table may break a line anywhere
    for said in ("COPY from the landing", "read load errors", "isolation: snapshot isolation"):
        assert said.replace(" ", "") in shown
    assert publishing.leftovers() == []


Change = Callable[[dict[str, Any]], object]


@ONLY_REDSHIFT
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(password="wrong"), "check the connection's login and password"),
        (lambda c: c.update(login="nobody"), "check the connection's login and password"),
        (lambda c: c.update(host="no.such.host.invalid"), "connecting to no.such.host.invalid:"),
        (lambda c: c.update(port=1), "connection's host and port"),
        (lambda c: c.update(schema="nowhere"), 'database "nowhere" does not exist'),
        (lambda c: c.update(schema=""), "names no host, no database or no login"),
        (lambda c: c["extra"].pop("sslrootcert"), "the connection to Redshift is not secure"),
        (lambda c: c["extra"].update(sslrootcert="/no/such/ca.pem"), "there is no file /no/such/ca.pem"),
        (lambda c: c["extra"].update(sslmode="requires"), "use one of verify-ca, verify-full"),
    ],
    ids=["password", "login", "host", "port", "database", "no database", "unknown CA", "no CA file", "sslmode"],
)
def test_a_wrong_connection_is_one_message_that_says_what_to_do(publishing: World, change: Change, said: str) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_REDSHIFT"])
    extra = connection.get("extra") or {}
    connection["extra"] = json.loads(extra) if isinstance(extra, str) else extra
    change(connection)

    done = sluice(publishing, "status", env={"AIRFLOW_CONN_REDSHIFT": json.dumps(connection)})

    assert done.returncode != 0
    assert said in done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr


@ONLY_REDSHIFT
def test_a_landing_that_nothing_opens_to_the_cluster_fails_the_check(publishing: World) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_LANDING_S3"])
    for word in ("login", "password"):
        connection.pop(word)
    keyless = {"AIRFLOW_CONN_LANDING_S3": json.dumps(connection), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    done = sluice(publishing, "check", env=keyless)

    assert done.returncode != 0
    assert "nothingauthorizesthecluster" in "".join(done.stdout.split())
