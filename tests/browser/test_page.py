"""The page in a real Airflow, with a real browser: what is seen, by whom, and what a button does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.errors import StackError
from sluice.page.views import STEPS
from tests.browser.chromium import Chromium
from tests.browser.conftest import BATCHES, HOSTILE, Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(3600)]
Visit = Callable[..., Chromium]

PAGE = "/sluice/pipelines/publishing"
TEXT = "document.querySelector('main').innerText"


def status(browser: Chromium, path: str) -> int:
    """What a request from the page gets, with the visitor's cookie."""
    return int(browser.run(f"fetch({json.dumps(path)}).then(reply => reply.status)"))


def send(browser: Chromium, path: str, body: str, kind: str) -> int:
    request = {"method": "POST", "body": body, "headers": {"Content-Type": kind}}
    return int(browser.run(f"fetch({json.dumps(path)}, {json.dumps(request)}).then(reply => reply.status)"))


def lately() -> datetime:
    """Longer ago than the window's lag."""
    return datetime.now(UTC) - timedelta(seconds=10)


def newest_run(site: Site) -> dict[str, Any]:
    return site.api().runs("publishing")[-1]


# --- what is seen ---------------------------------------------------------------------------------------------------


def test_a_silent_warehouse_takes_seconds_and_blanks_nothing(visit: Visit) -> None:
    begun = time.monotonic()
    browser = visit("vera", "/sluice/")
    took = time.monotonic() - begun

    cards = browser.run("[...document.querySelectorAll('.card')].map(card => card.innerText)")
    assert took < 8
    assert [card.splitlines()[0] for card in cards] == ["archive", "journals", "publishing"]
    assert "look at the server" in cards[0]
    assert "behind now" in cards[1]
    assert "behind now" in cards[2]


def test_a_pipeline_shows_its_batches_with_steps_logs_and_rejects(visit: Visit, site: Site) -> None:
    browser = visit("vera", PAGE)
    text = browser.run(TEXT)

    for heading in ("Freshness", "Collections", "Batches", "Checks", "Rejects by reason", "Drift", "Migrations"):
        assert heading in text
    assert "delete landed objects" in text
    assert browser.run("document.querySelectorAll('.plot .spot').length") == BATCHES
    assert browser.run("document.querySelectorAll('details .steps rect').length") == BATCHES * len(STEPS)
    browser.click(".batches details summary")
    links = browser.run("[...document.querySelectorAll('.batches details[open] .logs a')].map(a => a.href)")
    assert [link.rpartition("/")[2] for link in links] == list(STEPS)
    assert all(f"{site.base}/dags/publishing/runs/manual__" in link for link in links)


def test_a_key_that_is_markup_stays_text(visit: Visit) -> None:
    browser = visit("admin", PAGE)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    shown = browser.run("[...document.querySelectorAll('.groups code')].map(code => code.textContent)")
    assert HOSTILE in shown
    assert browser.run("window.hacked") is None
    assert browser.run("document.querySelectorAll('main img, main b').length") == 0


def test_batches_of_the_command_line_and_of_redshift_are_shown(visit: Visit) -> None:
    browser = visit("vera", "/sluice/pipelines/journals")

    assert browser.run("document.querySelectorAll('.batches details').length") == 4
    browser.click(".batches details summary")
    assert "no run of Airflow is known for it" in browser.run(TEXT)


@pytest.mark.parametrize("path", ["/sluice/", PAGE, "/sluice/pipelines/archive"])
def test_nothing_is_wider_than_a_telephone(visit: Visit, path: str) -> None:
    browser = visit("admin", path, width=390)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")

    assert browser.run("document.documentElement.scrollWidth") == 390


def test_light_and_dark_follow_airflow_and_else_the_browser(visit: Visit) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = (visit("vera", "/sluice/", scheme=scheme).run(ground) for scheme in ("light", "dark"))
    browser = visit("vera", "/sluice/", scheme="light")
    browser.run("localStorage.setItem('theme', 'dark')")
    chosen = visit("vera", "/sluice/", scheme="light").run(ground)
    browser.run("localStorage.removeItem('theme')")

    assert light != dark
    assert chosen == dark


def test_inside_of_airflow_links_lead_out_of_the_frame(visit: Visit) -> None:
    browser = visit("vera", "/plugin/sluice")
    frame = "document.querySelector('iframe')?.contentDocument"
    browser.wait(f"{frame}?.querySelectorAll('.card').length === 3")
    browser.run(f"{frame}.querySelector('.card[href$=publishing]').click()")
    browser.wait(f"{frame}?.querySelector('a[data-airflow]')?.innerText === 'its DAG'")
    browser.run(f"{frame}.querySelector('a[data-airflow]').click()")

    browser.wait("location.pathname === '/dags/publishing'")


# --- by whom --------------------------------------------------------------------------------------------------------


def test_nobody_gets_anything(visit: Visit, chromium: Chromium) -> None:
    browser = visit("", "/sluice/")

    assert "Log in to Airflow first" in browser.run(TEXT)
    assert "publishing" not in browser.run("document.documentElement.outerHTML")
    for path in ("/sluice/", PAGE):
        assert status(browser, path) == 401
    assert status(browser, "/sluice/docs") == 404
    assert status(browser, "/sluice/openapi.json") == 404
    assert {text.partition(" (")[0] for text in chromium.complaints()} == {
        "Failed to load resource: the server responded with a status of 401",
        "Failed to load resource: the server responded with a status of 404",
    }


def test_a_viewer_reads_and_cannot_act(visit: Visit, site: Site, chromium: Chromium) -> None:
    browser = visit("vera", PAGE)
    before = len(site.api().runs("publishing"))

    assert browser.run("document.querySelectorAll('button, dialog').length") == 0
    asked = send(browser, "/api/v2/dags/publishing/dagRuns", '{"logical_date": null}', "application/json")
    assert asked == 403
    assert len(site.api().runs("publishing")) == before
    assert len(chromium.complaints()) == 1  # of the 403
    with pytest.raises(StackError, match="403"):
        site.api("vera").trigger("publishing")


def test_what_another_site_can_send_starts_nothing(visit: Visit, site: Site, chromium: Chromium) -> None:
    """A form of another site sends no JSON: Airflow takes nothing else."""
    browser = visit("admin", PAGE)
    before = len(site.api().runs("publishing"))

    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert send(browser, "/api/v2/dags/publishing/dagRuns", '{"logical_date": null}', kind) == 422
    assert send(browser, PAGE, "{}", "application/json") == 405
    assert len(site.api().runs("publishing")) == before
    assert len(chromium.complaints()) == 3


# --- what a button does ---------------------------------------------------------------------------------------------


def test_a_button_starts_the_run_that_it_says(visit: Visit, site: Site) -> None:
    browser = visit("admin", PAGE)
    browser.click("[data-opens=do-refresh]")
    browser.run("document.querySelector('#do-refresh select').value = 'tickets'")
    browser.click("#do-refresh .go")
    run = browser.wait("document.querySelector('#do-refresh .answer.good a')?.innerText")

    assert newest_run(site)["dag_run_id"] == run
    assert site.ended(run)["conf"]["full"] == "tickets"
    shown = visit("admin", PAGE)
    assert shown.run("document.querySelector('.batches details .chip').innerText") == "refresh"


def test_a_span_is_sent_as_it_was_typed_in_utc(visit: Visit, site: Site) -> None:
    browser = visit("admin", PAGE)
    browser.ask("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    browser.click("[data-opens=do-backfill]")
    for name, value in (("from", "2026-01-01T00:00:00"), ("to", "2026-01-01T06:30:00")):
        browser.run(f"document.querySelector('#do-backfill [name={name}]').value = '{value}'")
    browser.click("#do-backfill .go")
    run = browser.wait("document.querySelector('#do-backfill .answer.good a')?.innerText")
    browser.ask("Emulation.setTimezoneOverride", timezoneId="")

    conf = site.api().run("publishing", run)["conf"]
    assert (conf["from"], conf["to"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T06:30:00.000Z")
    site.ended(run)


def test_rejects_are_replayed_and_open_ones_are_fewer(visit: Visit, site: Site) -> None:
    """Without a collection chosen: all of them, also of the document whose key is markup."""
    documents, number = site.mongo["publishing"]["documents"], "Number(document.querySelector('.tiles .hot').innerText)"
    before = visit("admin", PAGE).run(number)
    documents.update_one({"_id": HOSTILE}, {"$set": {"topic": "markup"}})  # its modified date does not say so
    browser = visit("admin", PAGE)
    browser.click("[data-opens=do-replay]")
    browser.click("#do-replay .go")
    run = browser.wait("document.querySelector('#do-replay .answer.good a')?.innerText")

    assert site.ended(run)["conf"]["replay_rejects"] == ""
    shown = visit("admin", PAGE)
    assert shown.run("document.querySelector('.batches details .chip').innerText") == "rejects"
    assert shown.run(number) < before


def test_a_refusal_is_shown(visit: Visit, site: Site, chromium: Chromium) -> None:
    """Somebody who was allowed when the page was made, and is not when the button is pressed."""
    browser = visit("admin", PAGE)
    browser.click("[data-opens=do-run]")
    browser.log_in(site.base, site.api("vera")._token)
    browser.click("#do-run .go")

    browser.wait("document.querySelector('#do-run .answer.bad')?.innerText.includes('may not run this DAG')")
    assert len(chromium.complaints()) == 1  # of the 403


# --- when a check stops a batch ---------------------------------------------------------------------------------------


def test_the_page_and_the_log_say_which_rows_stopped_a_batch_and_why(visit: Visit, site: Site, pictures: Path) -> None:
    tickets = site.mongo["publishing"]["tickets"]
    ticket = tickets.find_one_and_update({"status": "Started"}, {"$set": {"status": "Lost", "updated_at": lately()}})
    assert ticket
    run = site.api().trigger("publishing")
    site.ended(run, "failed")

    head = visit("vera", PAGE).run("document.querySelector('.trouble').innerText")
    (publish,) = (task for task in site.api().tasks("publishing", run) if task["task_id"] == "publish")
    log = site.api().log("publishing", run, publish)
    for text in ("tickets.accepted_values(status)", "1 fail", str(ticket["_id"]), "Lost"):
        assert text in head
        assert text in log
    assert "correct these rows in the source" in head
    visit("vera", PAGE).shoot(pictures / "stopped-light.png", 420)

    tickets.update_one({"_id": ticket["_id"]}, {"$set": {"status": "Started", "updated_at": lately()}})
    site.run()
    assert visit("vera", PAGE).run("document.querySelector('.trouble')") is None


# --- what README and docs show ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(visit: Visit, pictures: Path, scheme: str) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    visit("admin", "/sluice/", scheme=scheme).shoot(pictures / f"overview-{scheme}.png")
    browser = visit("admin", PAGE, scheme=scheme)
    browser.shoot(pictures / f"pipeline-{scheme}.png", 1240)
    browser.shoot(pictures / f"quality-{scheme}.png", begin="#checks")
    visit("admin", PAGE, width=390, scheme=scheme).shoot(pictures / f"telephone-{scheme}.png", 1100)

    assert max(file.stat().st_size for file in pictures.glob("*.png")) < 300_000
