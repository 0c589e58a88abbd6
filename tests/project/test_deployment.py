"""docker-compose.yml, the Dockerfile and deploy/: mistakes that can be seen without a container engine."""

from __future__ import annotations

import base64
import json
import re
import runpy
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from jsonschema import Draft7Validator

from sluice.pipeline_file import load_pipeline
from sluice.settings import Endpoint
from tests.project import tree
from tests.project.deployment import (
    SEE,
    VARIABLE,
    compose,
    environments,
    example,
    filled,
    read,
    services,
    stages,
)

SECRET = re.compile(r"PASSWORD|SECRET|KEYFILE|ACCESS_KEY|FERNET_KEY|REDISCLI_AUTH")
PROFILES = {"redis": "celery", "worker": "celery", "remote-worker": "worker", "redshift": "redshift"}
RIGHTS = {
    "list_objects_v2": "s3:ListBucket",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject",
    "put_object": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "delete_object": "s3:DeleteObject",
    "delete_objects": "s3:DeleteObject",
}
"""What S3 asks for each call; a call that is not here fails the test."""


def publishing() -> set[str]:
    """The connections that the shipped pipeline names."""
    pipeline = load_pipeline(tree.ROOT / "dags" / "pipelines" / "publishing.yml")
    return {pipeline.source.conn_id, pipeline.landing.conn_id, pipeline.warehouse.conn_id}


# docker-compose.yml


def test_compose_is_what_the_specification_allows() -> None:
    schema = json.loads(read("tests/project/vendored/compose-spec.json"))
    said = [f"{list(error.path)}: {error.message}" for error in Draft7Validator(schema).iter_errors(compose())]

    assert said == []
    assert list(Draft7Validator(schema).iter_errors({"services": {"a": {"imagine": "b"}}}))


def test_every_variable_is_required_and_in_the_example_and_nothing_else_is() -> None:
    used = VARIABLE.findall(read("docker-compose.yml"))

    assert [name for name, rest in used if rest != SEE] == []
    assert {name for name, _ in used} == set(example())


def test_no_service_has_a_password_that_is_written_down() -> None:
    literal = [
        (service, name)
        for service, environment in environments().items()
        for name, value in environment.items()
        if SECRET.search(name) and not re.fullmatch(rf"\$\{{\w+{re.escape(SEE)}", value)
    ]
    text = read("docker-compose.yml")

    assert literal == []
    assert re.findall(r"://[^/\s@:]*:(?!\$\{)[^@\s]+@", text) == []
    assert re.findall(r'"password": "(?!\$\{)', text) == []
    assert [name for name, value in example().items() if SECRET.search(name) and value] == []


def test_every_image_is_made_here_or_has_a_version() -> None:
    pinned = re.compile(r"[a-z./-]+:(\d+\.\d+\.\d+(\.\d+)*|\d\d+\.\d+|RELEASE\.[\dTZ-]+)")
    loose = [service["image"] for service in services().values() if "build" not in service]

    assert [image for image in loose if not pinned.fullmatch(image)] == []
    assert {service["build"]["target"] for service in services().values() if "build" in service} <= set(stages())


def test_every_service_tells_whether_it_is_healthy_or_ends_by_itself() -> None:
    needed = [
        (need, how["condition"]) for each in services().values() for need, how in each.get("depends_on", {}).items()
    ]
    ends = {need for need, condition in needed if condition == "service_completed_successfully"}

    assert {name for name, service in services().items() if "healthcheck" not in service} == ends
    assert {need for need, condition in needed if condition != "service_completed_successfully"}.isdisjoint(ends)
    assert {condition for _, condition in needed} == {"service_completed_successfully", "service_healthy"}
    assert {services()[name]["restart"] for name in ends} == {"no"}
    assert {service["restart"] for name, service in services().items() if name not in ends} == {"unless-stopped"}


def test_profiles_add_services_and_the_others_need_none_of_them() -> None:
    profiles = {name: service["profiles"] for name, service in services().items() if "profiles" in service}

    assert profiles == {name: [profile] for name, profile in PROFILES.items()}
    for name, service in services().items():
        for need in service.get("depends_on", {}):
            assert PROFILES.get(need) in {None, PROFILES.get(name)}, (name, need)


def test_data_is_in_named_volumes_and_files_that_are_mounted_exist() -> None:
    mounted = {volume.partition(":")[0] for service in services().values() for volume in service.get("volumes", [])}
    configured = {each["source"] for service in services().values() for each in service.get("configs", [])}

    assert mounted == set(compose()["volumes"])
    assert configured == set(compose()["configs"])
    assert [each["file"] for each in compose()["configs"].values() if not (tree.ROOT / each["file"]).is_file()] == []


def test_servers_listen_only_where_the_operator_says() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert len(ports) == 6
    assert [port for port in ports if not port.startswith(f"${{LISTEN_ADDRESS{SEE}:")] == []
    assert example()["LISTEN_ADDRESS"] == "127.0.0.1"


def test_containers_have_the_connections_of_the_shipped_pipeline() -> None:
    for name in ("scheduler", "worker", "remote-worker"):
        found = {
            variable.removeprefix("AIRFLOW_CONN_").lower(): Endpoint.from_json(variable, filled(value))
            for variable, value in environments()[name].items()
            if variable.startswith("AIRFLOW_CONN_")
        }

        assert publishing() < set(found)
        assert {each.host for each in found.values() if each.host} <= set(services())


def test_only_who_signs_tokens_can() -> None:
    """A worker that could would be able to speak for any task."""
    signing = {name for name, environment in environments().items() if "AIRFLOW__API_AUTH__JWT_SECRET" in environment}

    assert signing == {"api-server", "scheduler"}


def test_every_part_of_airflow_asks_the_same_server() -> None:
    airflow = [each for each in environments().values() if "AIRFLOW__CORE__EXECUTOR" in each]
    same = ("CORE__EXECUTION_API_SERVER_URL", "API__SECRET_KEY", "CORE__FERNET_KEY", "CORE__AUTH_MANAGER")

    assert len(airflow) == 7
    for option in same:
        assert len({each[f"AIRFLOW__{option}"] for each in airflow}) == 1


def options() -> set[tuple[str, str]]:
    """Every option of Airflow that a deployment sets: of the core, of providers not."""
    names = {name for environment in environments().values() for name in environment}
    found = {(m[1].lower(), m[2].lower()) for name in names if (m := re.fullmatch(r"AIRFLOW__(\w+?)__(\w+)", name))}
    helm = yaml.safe_load(read("deploy/helm/values.yaml"))["config"]
    found |= {(section, option) for section, entries in helm.items() for option in entries}
    return {each for each in found if each[0] not in {"celery", "kubernetes_executor"}}


def test_airflow_has_every_option_that_is_set() -> None:
    import airflow

    known = yaml.safe_load((Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text())

    assert len(options()) > 10
    assert [(s, o) for s, o in sorted(options()) if o not in known.get(s, {}).get("options", {})] == []


# .env


def make_env(folder: Path, profiles: str = "") -> dict[str, str]:
    runpy.run_path(str(tree.ROOT / "deploy" / "env.py"))["main"](folder, profiles)
    file = folder / ".env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == [file]
    return dict(re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE))


def test_make_env_makes_every_secret_anew_and_keeps_what_there_is(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    made, different = make_env(one), make_env(other)
    secrets = {name for name, value in example().items() if not value}

    assert set(made) == set(example())
    assert {name for name in made if made[name] != different[name]} == secrets
    assert len({made[name] for name in secrets}) == len(secrets)
    assert [name for name in secrets if not re.fullmatch(r"[\w=-]{20,}", made[name])] == []
    assert len(made["AIRFLOW_JWT_SECRET"]) >= 64
    assert len(base64.urlsafe_b64decode(made["AIRFLOW_FERNET_KEY"])) == 32

    (one / ".env").write_text("S3_SECRET_KEY=mine\nOWN=thing")
    again = make_env(one)

    assert (again["S3_SECRET_KEY"], again["OWN"]) == ("mine", "thing")
    assert set(again) == {*example(), "OWN"}


def test_make_env_sets_profiles_and_their_executor_together(tmp_path: Path) -> None:
    before = make_env(tmp_path)
    after = make_env(tmp_path, "celery,redshift")

    assert (after["COMPOSE_PROFILES"], after["AIRFLOW_EXECUTOR"]) == ("celery,redshift", "CeleryExecutor")
    assert {name for name in before if before[name] != after[name]} == {"AIRFLOW_EXECUTOR"}
    assert make_env(tmp_path, "redshift")["AIRFLOW_EXECUTOR"] == "LocalExecutor"
    with pytest.raises(SystemExit, match="no profile celerry"):
        make_env(tmp_path, "celerry")


# Dockerfile


def test_images_are_made_from_the_locked_airflow() -> None:
    lock = tomllib.loads(read("uv.lock"))
    [version] = [package["version"] for package in lock["package"] if package["name"] == "apache-airflow"]
    origins = {origin for origin, _ in stages().values()} - set(stages())

    assert origins == {f"apache/airflow:slim-{version}-python3.12"}
    assert yaml.safe_load(read("deploy/helm/values.yaml"))["airflowVersion"] == version


def test_images_run_as_an_ordinary_user() -> None:
    targets = {service["build"]["target"] for service in services().values() if "build" in service}

    assert targets == {"sluice", "stand-in"}
    for target in targets:
        assert [line for line in stages()[target][1] if line.startswith("USER ")][-1:] == ["USER airflow"]
    assert "USER root" not in read("Dockerfile")
    assert [name for name, service in services().items() if "user" in service or "privileged" in service] == []


def test_images_install_nothing_without_a_hash() -> None:
    installs = [line for _, lines in stages().values() for line in lines if re.search(r"\bpip\b", line)]
    files = [
        re.findall(r"pip --python \S+ install --no-cache-dir --require-hashes -r /tmp/(\S+)\.txt", line)
        for line in installs
    ]

    assert files == [["prod"], ["stand-in"]]
    assert re.findall(r"apt-get|\bADD\b|curl|wget|:latest", read("Dockerfile")) == []


def test_the_image_for_production_has_nothing_of_the_stand_in() -> None:
    origin, lines = stages()["sluice"]
    _, made = stages()["environment"]

    assert origin not in stages()
    assert [line for line in lines + made if "stand-in" in line or "devstack" in line] == []


def test_what_is_copied_into_images_exists_and_is_sent_to_the_builder() -> None:
    copied = [
        line.split()[-2]
        for _, lines in stages().values()
        for line in lines
        if line.startswith("COPY") and "--from" not in line
    ]
    first, *rest = read(".dockerignore").splitlines()
    sent = {line.removeprefix("!") for line in rest if line.startswith("!")}

    assert first == "*"
    assert set(copied) == sent
    assert [name for name in copied if not (tree.ROOT / name).exists()] == []
    assert not any(fnmatch(".env", pattern) for pattern in sent)


# deploy/


def used_calls() -> set[str]:
    """The calls of S3 that the package makes."""
    text = "\n".join(file.read_text() for file in tree.python_files(tree.PACKAGE))
    known = set(botocore.session.get_session().get_service_model("s3").operation_names)
    named = set(re.findall(r"client\.([a-z_0-9]+)\(", text)) | set(re.findall(r'get_paginator\("(\w+)"\)', text))
    return {name for name in named if re.sub(r"(?:^|_)(\w)", lambda m: m[1].upper(), name) in known}


def actions(name: str) -> set[str]:
    found: set[str] = set()
    for statement in json.loads(read(f"deploy/aws/{name}.json"))["Statement"]:
        listed = statement["Action"]
        found |= {listed} if isinstance(listed, str) else set(listed)
        assert statement["Effect"] == "Allow"
        assert statement.get("Resource", "arn:aws:s3:::example") != "*"
    return found


def test_the_policy_of_the_landing_allows_what_sluice_does_and_nothing_else() -> None:
    assert used_calls() <= set(RIGHTS)
    assert actions("landing-policy") == {RIGHTS[call] for call in used_calls()}


def test_who_loads_parts_may_only_read_them() -> None:
    assert actions("copy-policy") == {"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"}
    assert actions("copy-trust") == {"sts:AssumeRole"}


@pytest.mark.parametrize("name", ["landing-lifecycle", "logs-lifecycle"])
def test_lifecycles_are_what_s3_takes_and_touch_only_their_prefix(name: str) -> None:
    rules = json.loads(read(f"deploy/aws/{name}.json"))
    model = botocore.session.get_session().get_service_model("s3")
    shape = model.operation_model("PutBucketLifecycleConfiguration").input_shape
    report = ParamValidator().validate({"Bucket": "b", "LifecycleConfiguration": rules}, shape)

    assert not report.has_errors(), report.generate_report()
    assert {rule["Filter"]["Prefix"] for rule in rules["Rules"]} == {"sluice/" if name.startswith("land") else "logs/"}


def test_nothing_of_the_landing_expires_by_its_age() -> None:
    """Raw documents of open rejects, and what waits for its publish, are needed whatever it is."""
    rules = json.loads(read("deploy/aws/landing-lifecycle.json"))["Rules"]

    assert [rule for rule in rules if "Expiration" in rule or "Transitions" in rule] == []


def helm() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("deploy/helm/values.yaml"))
    return loaded


def test_pods_get_the_connections_of_the_shipped_pipeline_from_secrets() -> None:
    found = {each["envName"]: each["secretKey"] for each in helm()["secret"]}

    assert found == {f"AIRFLOW_CONN_{conn_id.upper()}": conn_id for conn_id in publishing()}
    assert not helm()["createUserJob"]["defaultUser"]["enabled"]
    assert not helm()["postgresql"]["enabled"]
    assert {helm()[f"{name}Name"] for name in ("jwtSecret", "apiSecretKeySecret", "fernetKeySecret")} == {
        "sluice-airflow"
    }


def test_pods_have_room_for_landing() -> None:
    sizes = {"Mi": 1 << 20, "Gi": 1 << 30}
    resources = helm()["workers"]["kubernetes"]["resources"]
    bytes_ = {name: int(text[:-2]) * sizes[text[-2:]] for name in resources if (text := resources[name]["memory"])}

    assert 2 * 400_000_000 <= bytes_["requests"] + 10_000_000 <= bytes_["limits"]
