"""Sluice's page inside Airflow, as a plugin. Every component of Airflow executes this: nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]


async def page(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The application, imported by the first request: only the API server gets one."""
    from sluice.page.airflow_app import app

    await app(scope, receive, send)


class SluicePlugin(AirflowPlugin):
    """The page at ``/sluice/``, and its place in Airflow's navigation."""

    name = "sluice"
    fastapi_apps: ClassVar[list[Any]] = [{"app": page, "url_prefix": "/sluice", "name": "Sluice"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Sluice",
            "href": "sluice/",
            "destination": "nav",
            "url_route": "sluice",
            "nav_top_level": True,
            "icon": "sluice/static/icon.svg",
            "icon_dark_mode": "sluice/static/icon-dark.svg",
        }
    ]
