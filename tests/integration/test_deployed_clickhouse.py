"""The configuration that deploy/clickhouse gives to a ClickHouse server, read by the engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3

from devstack.stack import Stack

DEPLOY = Path(__file__).parents[2] / "deploy" / "clickhouse"
OWN = """<clickhouse><users><default><password/><profile>default</profile><networks><ip>::/0</ip></networks></default>
</users><profiles><default/></profiles><quotas><default/></quotas></clickhouse>"""
ASK = """
import json, os, sys, chdb
connection = chdb.connect(f"{sys.argv[1]}/data?config-file={sys.argv[1]}/config.xml")
said = []
for statement in sys.argv[2:]:
    try:
        said.append(connection.query(statement).data().strip())
    except Exception as error:
        said.append(str(error))
print(json.dumps(said), flush=True)
os._exit(0)
"""


def ask(folder: Path, environment: dict[str, str], *statements: str) -> list[str]:
    """What a server of its own, with the files where its image has them, answers."""
    (folder / "users.d").mkdir(exist_ok=True)
    (folder / "users.xml").write_text(OWN)
    (folder / "users.d" / "sluice.xml").write_text((DEPLOY / "users.xml").read_text())
    main = f"<clickhouse><users_config>{folder}/users.xml</users_config>"
    (folder / "config.xml").write_text((DEPLOY / "config.xml").read_text().replace("<clickhouse>", main))
    command = [sys.executable, "-c", ASK, str(folder), *statements]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    answers: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_nobody_may_let_analysts_see_half_of_a_batch_and_no_key_stands_in_a_statement(
    stack: Stack, tmp_path: Path
) -> None:
    """I2: with that setting, the two views of ADR 2 become one. I9."""
    env = stack.env()
    keys = {"aws_access_key_id": env["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"]}
    s3 = boto3.client("s3", endpoint_url=env["S3_ENDPOINT_URL"], region_name="us-east-1", **keys)
    s3.put_object(Bucket="landing", Key="deployed.csv", Body=b"7\n")
    where = f"{env['S3_ENDPOINT_URL']}/landing/"
    landing = {
        "LANDING_ENDPOINT": where,
        "LANDING_ACCESS_KEY": env["AWS_ACCESS_KEY_ID"],
        "LANDING_SECRET_KEY": env["AWS_SECRET_ACCESS_KEY"],
    }
    read = f"SELECT * FROM s3('{where}deployed.csv', 'CSV', 'n UInt8')"

    refused, number = ask(tmp_path, landing, "SELECT 1 SETTINGS analyzer_inline_views = 1", read)
    _, without = ask(tmp_path, landing | {"LANDING_SECRET_KEY": "wrong"}, "SELECT 1", read)

    assert "SETTING_CONSTRAINT_VIOLATION" in refused
    assert number == "7"
    assert "S3_ERROR" in without
