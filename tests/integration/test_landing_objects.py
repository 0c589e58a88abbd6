"""A landing as cleanup sees it, on a real S3 server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sluice import landing_objects
from sluice.errors import ConfigError
from sluice.landing_objects import LandingObjects
from sluice.retention import Upload
from sluice.settings import Endpoint, from_environment
from sluice.spec import Landing
from tests.factories import a_pipeline


@pytest.fixture
def bucket(s3: Any, name: str) -> str:
    bucket = name.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    return bucket


@pytest.fixture
def objects(stack_env: dict[str, str], bucket: str) -> LandingObjects:
    return LandingObjects.connect(a_pipeline(landing=Landing("landing_s3", bucket, "sluice")), from_environment)


def put(s3: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")


def keys_of(s3: Any, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_only_what_starts_with_the_pipelines_own_prefix_is_listed(
    objects: LandingObjects, s3: Any, bucket: str
) -> None:
    put(s3, bucket, "sluice/publishing/a", "sluice/publishing_2/b", "sluice/publishing.txt", "publishing/c", "a")

    (page,) = objects.pages()

    assert [(found.key, found.bytes) for found in page] == [("sluice/publishing/a", 5)]
    assert abs(datetime.now(UTC) - page[0].modified) < timedelta(minutes=1)


def test_what_is_deleted_between_two_pages_does_not_move_the_next(
    objects: LandingObjects, s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing_objects, "PAGE", 3)
    put(s3, bucket, *(f"sluice/publishing/{n:02d}/{n}" for n in range(11)))

    sizes = []
    for page in objects.pages():
        sizes.append(len(page))
        assert objects.delete([found.key for found in page if found.key != "sluice/publishing/05/5"]) == {}

    assert sizes == [3, 3, 3, 2]
    assert keys_of(s3, bucket) == ["sluice/publishing/05/5"]


def test_deleting_again_does_no_harm(objects: LandingObjects, s3: Any, bucket: str) -> None:
    put(s3, bucket, "sluice/publishing/a")

    assert [objects.delete(["sluice/publishing/a"]) for _ in range(2)] == [{}, {}]


def test_what_s3_did_not_delete_is_told_by_key() -> None:
    said = {"Errors": [{"Key": "sluice/publishing/a", "Code": "AccessDenied", "Message": "no"}]}
    client = SimpleNamespace(delete_objects=lambda **_: said)

    found = LandingObjects(cast("Any", client), "landing", "sluice/publishing/")

    assert found.delete(["sluice/publishing/a", "sluice/publishing/b"]) == {"sluice/publishing/a": "AccessDenied no"}


def test_an_unfinished_upload_is_found_with_its_age_and_aborted_once(
    objects: LandingObjects, s3: Any, bucket: str
) -> None:
    for key in ("sluice/publishing/a", "sluice/publishing_2/b"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)

    (found,) = objects.uploads()

    assert (found.key, datetime.now(UTC) - found.initiated < timedelta(minutes=1)) == ("sluice/publishing/a", True)
    assert [objects.abort(found), objects.abort(found)] == [True, False]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["sluice/publishing_2/b"]
    assert objects.abort(Upload("sluice/publishing/b", "never", found.initiated)) is False


def test_a_landing_without_a_prefix_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match=r"set landing\.prefix"):
        LandingObjects.connect(a_pipeline(landing=Landing("landing_s3", "landing", "")), Endpoint)
