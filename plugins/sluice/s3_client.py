"""How Sluice talks to S3: the client's settings, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, cast

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.loaders import Loader, create_loader
from botocore.session import get_session

from sluice.errors import AccessDenied, ConfigError, LandingUnavailable, SluiceError
from sluice.settings import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "401", "403"}
PASSING = {
    "SlowDown",
    "RequestTimeout",
    "InternalError",
    "ServiceUnavailable",
    "OperationAborted",
    "NoSuchUpload",
    "ConditionalRequestConflict",  # another try writes the same manifest at this moment
}
FIRST_SERVER_ERROR = 500


def connect(endpoint: Endpoint) -> S3Client:
    """A client that connects when it is first asked. Without a login the machine's own role is used."""
    url = endpoint.extra.get("endpoint_url")
    config = Config(
        signature_version="s3v4",
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        s3={"addressing_style": "path"} if url else {},
        # Each chunk goes with its MD5; the newer checksums are not understood by every server that speaks S3.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = get_session()
    session.register_component("data_loader", _loader())
    try:
        client = session.create_client(
            "s3",
            endpoint_url=url,
            region_name=endpoint.extra.get("region_name") or ("us-east-1" if url else None),
            aws_access_key_id=endpoint.login,
            aws_secret_access_key=endpoint.password,
            aws_session_token=endpoint.extra.get("aws_session_token"),
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"the connection {endpoint.conn_id!r} is not an S3 connection", why=str(error)) from None
    return cast("S3Client", client)


@cache
def _loader() -> Loader:
    """What botocore knows of S3, read once a process: each client would read it again, in some 70 ms of CPU."""
    return create_loader()


def own_keys() -> tuple[str, str, str | None] | None:
    """The machine's own (key, secret, token) for AWS, most often temporary; None where it has none."""
    found = Session().get_credentials()
    if found is None:
        return None
    frozen = found.get_frozen_credentials()
    return str(frozen.access_key), str(frozen.secret_key), frozen.token


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """Turn botocore's errors into the package's, which say whether to retry and what to do."""
    try:
        yield
    except ClientError as error:
        raise _refused(what, error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        fix = "set login and password of the landing connection, or give the machine a role"
        raise AccessDenied(f"could not {what}", why=str(error), fix=fix) from error
    except (ConnectionError, HTTPClientError) as error:
        fix = "check extra.endpoint_url of the landing connection, and that the server is up"
        raise LandingUnavailable(f"could not {what}: S3 did not answer", why=str(error), fix=fix) from error
    except BotoCoreError as error:
        raise ConfigError(f"could not {what}", why=str(error), fix="check the landing connection") from error


def code_of(error: ClientError) -> str:
    """S3's name for an error, such as ``NoSuchKey``; the HTTP status where there was no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(what: str, error: ClientError) -> SluiceError:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    why = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    if code in PASSING or status >= FIRST_SERVER_ERROR:
        return LandingUnavailable(f"could not {what}", why=why, fix="run the step again; nothing half-written counts")
    if code in REFUSED:
        return AccessDenied(
            f"could not {what}",
            why=why,
            fix="check login and password of the landing connection, and its rights on the bucket: GetObject, "
            "PutObject, DeleteObject, ListBucket, ListBucketMultipartUploads, AbortMultipartUpload",
        )
    if code == "NoSuchBucket":
        return ConfigError(f"could not {what}", why=why, fix="create the bucket, or correct landing.bucket")
    return ConfigError(f"could not {what}", why=why, fix="check bucket, prefix and endpoint of the landing")
