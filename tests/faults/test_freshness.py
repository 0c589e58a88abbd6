"""The real Airflow tells by mail that what analysts see is too old, and only then."""

from __future__ import annotations

import email
import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from typing import Any

import pytest

from devstack.airflow_api import AirflowApi
from devstack.publisher import Publisher
from devstack.servers import SERVERS, Airflow
from devstack.servers.base import Environment, Place
from devstack.stack import Stack
from tests.acceptance.conftest import ROOT, World, make_world, warehouse_kind  # noqa: F401  fixtures
from tests.faults import receivers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

LIMIT = timedelta(seconds=100)
FRESHNESS = """freshness:
  limit: 100s
  notify: airflow.providers.smtp.notifications.smtp.SmtpNotifier
  with:
    from_email: sluice@example.org
    to: on-call@example.org
    subject: "{{ freshness.pipeline }} is too old"
    html_content: "{{ freshness.cut.isoformat() }} {{ freshness.text }}"
"""


class WithMail(Airflow):
    """An Airflow that knows a mail server."""

    port = 0

    def own_exports(self, place: Place) -> Environment:
        extra = {"disable_ssl": True, "disable_tls": True}
        server = {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra}
        return {**super().own_exports(place), "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(server)}


@pytest.fixture(scope="module")
def mails() -> Iterator[tuple[int, list[str]]]:
    with receivers.mail() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, mails: tuple[int, list[str]]) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags" / "pipelines").mkdir(parents=True)
    shutil.copy(ROOT / "dags" / "pipelines.py", folder / "dags")
    airflow = WithMail(folder / "dags")
    airflow.port = mails[0]
    stack = Stack(folder / "stack", servers=[airflow if isinstance(each, Airflow) else each for each in SERVERS])
    stack.up()
    yield stack
    stack.down()


def wait(for_it: Callable[[], Any], patience: float = 300.0) -> Any:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := for_it():
            return found
        time.sleep(1)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("warehouse_kind", ["clickhouse"], indirect=True)
def test_batches_that_fail_for_too_long_are_told_by_mail(
    make_world: Any,  # noqa: F811
    stack: Stack,
    mails: tuple[int, list[str]],
) -> None:
    world: World = make_world(ROOT / "dags" / "pipelines" / "publishing.yml")
    dag, env, (_, arrived) = world.pipeline.name, stack.env(), mails
    text = (
        world.file.read_text()
        .replace('"*/5 * * * *"', '"* * * * *"')
        .replace("collections:", f"{FRESHNESS}collections:")
    )
    (stack.home.parent / "dags" / "pipelines" / world.file.name).write_text(text)
    Publisher(world.database.client, world.database.name, seed=2).seed(documents=50, tickets=100)
    api = AirflowApi(env["AIRFLOW_URL"], env["AIRFLOW_USER"], env["AIRFLOW_PASSWORD"])
    api.wait_for_dag(dag)
    api.pause(dag, paused=False)
    wait(lambda: [run for run in api.runs(dag) if run["state"] == "success"][2:])
    assert arrived == []

    bad = {"created_at": "no date", "updated_at": datetime.now(UTC)}
    world.database.documents.insert_many([{"_id": f"bad {n}", **bad} for n in range(300)])
    wait(lambda: any(run["state"] == "failed" for run in api.runs(dag)))
    mail = email.message_from_string(wait(lambda: arrived)[0], policy=policy.default)
    told = datetime.now(UTC)
    api.pause(dag, paused=True)

    with world.systems() as systems:
        last = systems.warehouse.last_commit(dag)
    assert last is not None
    body = mail.get_body().get_content()  # type: ignore[union-attr]
    assert mail["subject"] == f"{dag} is too old"
    assert body.split()[0] == last.cut.time.isoformat()
    assert LIMIT <= told - last.cut.time < LIMIT + timedelta(seconds=60)
