"""The pages of banks in a real browser: accessible, narrow and dark, and without a script."""

from pathlib import Path

import pytest
from pages_scene import Scene, gentle_picture
from playwright.sync_api import Browser, expect
from test_bank_pages import OPERATOR, filled, small
from web_scene import Place

from browsing import faults, follow
from openhaven.signals.banks import NewEntry, propose_negative

__all__ = ["filled"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cookies(scene: Scene, place: Place, chromium: Browser, filled: dict[str, int]) -> list[dict]:
    """Sign Kay in as a person does, and return the cookies."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + scene.link("Kay"))
        page.get_by_role("button", name="Sign in").click()
        follow(page, "Rules", "Banks")
        expect(page.get_by_role("heading", name="Banks", exact=True)).to_be_visible()
        return context.cookies()


@pytest.fixture(scope="module")
def paths(scene: Scene, filled: dict[str, int]) -> list[str]:
    """Return the pages of banks, each in a state worth looking at."""
    with scene.tx("Lou") as tx:
        propose_negative(tx, "fine", [NewEntry(bytes(range(32)), None, "A logo.")])
    with scene.haven.db.begin(OPERATOR) as tx:
        proposed = tx.value("SELECT max(id) FROM bank_entries")
        tx.run("""INSERT INTO look_backs (id, bank, why, days, since, until_writer, state, entries,
                    media, looked, matches, tasks, gone, asked_by, created_at, next_at)
                  SELECT 'lkb_shown', id, 'additions', 30, now(), '1', 'running', 1200, 90000,
                    30000, 2, 2, 1, 'system:look-back', now(), now() FROM banks
                  WHERE name = 'shared-list'""")
        task = tx.value("SELECT id FROM tasks WHERE kind = 'review' LIMIT 1")
        tx.run(
            "UPDATE tasks SET event = m.event FROM bank_matches m WHERE tasks.id = %(t)s", t=task
        )
        tx.run("UPDATE bank_matches SET task = %(t)s WHERE bank IN (SELECT id FROM banks WHERE "
               "name = 'shared-list')", t=task)  # fmt: skip
        tx.run("""INSERT INTO bank_sources (id, name, kind, url, harm, mode, at_most, radius, owner,
                    purpose, interval_s, next_at, created_at, failures, failing_since, last_error)
                  VALUES ('src_1', 'centre', 'file', '/x', 'ncii', 'live', 'act', 31, 'us', '',
                    3600, now(), now() - interval '2 days', 2, now(), 'It did not answer.')""")
    return [
        "/console/banks", "/console/banks/shared-list", "/console/banks/fine",
        "/console/banks/scams", f"/console/bank-entries/{filled['shared-list entry']}",
        f"/console/bank-entries/{proposed}", f"/console/bank-matches/{filled['shared-list']}",
        "/console/compare", f"/console/tasks/{task}",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (640, "light"), (390, "dark")])
def test_every_page_of_banks_is_accessible(
    place: Place, chromium: Browser, cookies: list[dict], paths: list[str], width: int, scheme: str
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    ) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        broken = {}
        for path in paths:
            page.goto(place.url + path)
            if found := faults(page):
                broken[path] = found
        assert not broken
        assert not complaints


def test_a_file_is_compared_without_a_script(
    place: Place, chromium: Browser, cookies: list[dict], tmp_path: Path
) -> None:
    file = tmp_path / "saved anew.jpg"
    file.write_bytes(small(gentle_picture(40)))
    with chromium.new_context(java_script_enabled=False, base_url=place.url) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/console/compare")
        page.get_by_label("Which file?").set_input_files(file)
        page.get_by_label("shared-list").uncheck()
        page.get_by_role("button", name="Compare it").click()
        found = page.get_by_role("region", name="What the banks say")
        expect(found).to_contain_text("scams", use_inner_text=True)
        assert "shared-list" not in found.inner_text()
        assert not page.get_by_label("shared-list").is_checked()
