"""The page's application, mounted by Airflow's API server below PREFIX. Imports Airflow.

Airflow does not protect what a plugin mounts: here nothing is answered to whoever is not logged in, and a pipeline only
to whoever may read its DAG. Nothing is changed by any of these routes.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_authenticated
from airflow.configuration import conf
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from sluice.errors import ConfigError, SluiceError
from sluice.page import airflow_rights, airflow_runs, views
from sluice.page.answers import PATIENCE, Answers
from sluice.page.known import Contents
from sluice.page.reads import look, silence
from sluice.page.render import FOLDER, render
from sluice.pipeline_file import load_pipeline
from sluice.spec import Beside, Pipeline

PREFIX = "/sluice"
SHOWN = 20
"""Batches that a page shows unless it is told to show more."""
HEADERS = {
    # Whatever a document's text might smuggle in: no script runs but the page's own, and nothing is loaded elsewhere.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

app = FastAPI(
    title="Sluice", dependencies=[Depends(requires_authenticated())], docs_url=None, redoc_url=None, openapi_url=None
)
# What everybody may have, as whoever has to log in first sees the page, too: it is in the repository.
app.mount("/static", StaticFiles(directory=FOLDER / "static"))
answers: Answers[Contents | SluiceError] = Answers()


@app.get("/")
async def overview(request: Request, user: GetUserDep) -> Response:
    """Every pipeline that the visitor may read."""
    files = await run_in_threadpool(_readable, user)
    found = [each for each in files if isinstance(each, Pipeline)]
    subjects = await asyncio.gather(*(_subject(pipeline) for pipeline in found))
    broken = [each for each in files if isinstance(each, ConfigError)]
    return page(request, "overview.html", cards=[views.card(subject) for subject in subjects], broken=broken)


@app.get("/pipelines/{dag_id}", dependencies=[Depends(requires_access_dag("GET"))])
async def pipeline(request: Request, user: GetUserDep, dag_id: str, batches: int = SHOWN) -> Response:
    """One pipeline."""
    found = await run_in_threadpool(_pipeline, dag_id)
    subject = await _subject(found)
    may = await run_in_threadpool(airflow_rights.rights, user, dag_id, subject.dags)
    return page(request, "pipeline.html", shown=batches, **views.pipeline_page(subject, may))


@app.exception_handler(401)
@app.exception_handler(403)
@app.exception_handler(404)
def refusal(request: Request, error: HTTPException) -> Response:
    """Whoever is not logged in, may not, or asks for what is not there."""
    return page(request, "refusal.html", status=error.status_code, code=error.status_code)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template's HTML. ``here`` and ``airflow``: where the page and Airflow are, also behind a proxy's prefix."""
    here = request.scope["root_path"]
    places = {"here": here, "airflow": here.removesuffix(PREFIX), "now": datetime.now(UTC)}
    return HTMLResponse(render(template, **places, **values), status, HEADERS)


async def _subject(pipeline: Pipeline) -> views.Subject:
    contents, dags = await asyncio.gather(
        answers.get(pipeline.name, lambda: look(pipeline, airflow_runs.connection)),
        run_in_threadpool(airflow_runs.dags, pipeline.name),
    )
    return views.Subject(pipeline, contents or silence(pipeline, PATIENCE), dags, datetime.now(UTC))


def _readable(user: Any) -> list[Pipeline | ConfigError]:
    """Every pipeline file of which the visitor may read the DAG; a broken one has a DAG that says so."""
    found: list[Pipeline | ConfigError] = []
    for file in _files():
        try:
            pipeline = _load(file)
        except ConfigError as error:
            if airflow_rights.allowed(user, "GET", f"{file.stem}.{Beside.BROKEN}"):
                found.append(error)
        else:
            if airflow_rights.allowed(user, "GET", pipeline.name):
                found.append(pipeline)
    return found


def _pipeline(name: str) -> Pipeline:
    for file in _files():
        try:
            found = _load(file)
        except ConfigError:
            continue
        if found.name == name:
            return found
    raise HTTPException(404, f"there is no pipeline {name}")


def _load(file: Path) -> Pipeline:
    return _loaded(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=1000)
def _loaded(file: Path, _changed: int) -> Pipeline:
    """A file is some milliseconds of work, and there may be many."""
    return load_pipeline(file)


def _files() -> list[Path]:
    return sorted((Path(conf.get_mandatory_value("core", "dags_folder")) / "pipelines").glob("*.yml"))
