"""Every page of the console, from the table of routes: each role, phone and desk, with no script.

The addresses are those that the pages lead to. A page that several roles see alike is looked at
once; what axe-core finds, a page wider than its window, and what the keyboard does not reach are
faults.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import pytest
from pages_scene import Scene, gentle_picture
from pages_visitor import Visitor
from playwright.sync_api import Browser, Page
from web_scene import Place, Reply

from browsing import faults
from openhaven import review, staff
from openhaven.core.permissions import Role
from openhaven.web.routes import ROUTES

pytestmark = pytest.mark.slow
ROLES = get_args(Role)
PAGES = {one.path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(one.path)) + r"(\?.*)?")
         for one in ROUTES if one.method == "GET" and one.path.startswith("/console")
         and one.answer == "text/html"}  # fmt: skip
# How many addresses of one kind of page are looked at: a task and an appeal are two.
EACH = {"/console/tasks/{id}": 2}
LINK = re.compile(r'href="(/console[^"#]*)')
# What differs from one time to the next, or from one person to the next, and not in kind.
FLEETING = re.compile(r'value="[0-9a-f]{64}"|<time.*?</time>|<header.*?</header>|\b(tsk|stf)_\w+',
                      re.DOTALL)  # fmt: skip


def kind(path: str) -> str | None:
    """Return the route that an address belongs to; one without a parameter goes first."""
    fitting = [route for route, pattern in PAGES.items() if pattern.fullmatch(path)]
    return min(fitting, key=lambda route: route.count("{"), default=None)


@pytest.fixture(scope="module")
def people(scene: Scene, place: Place) -> dict[str, Visitor]:
    """Return somebody of each role, and one who has them all, signed in; work is under way."""
    found = {}
    for role in (*ROLES, "all"):
        name = f"Lou ({role})"
        with scene.tx() as tx:
            roles = ROLES if role == "all" else (role,)
            scene.people[name] = staff.create(tx, name, roles)
        found[role] = Visitor(place).enter(scene.link(name))
    pictures = [gentle_picture(41)]
    task = scene.task_of(scene.post("Everyone hates you just leave", "uma", pictures=pictures))
    with scene.tx("Lou (all)") as tx:
        review.claim(tx, task)
    return found


@pytest.fixture(scope="module")
def addresses(people: dict[str, Visitor]) -> dict[str, list[str]]:
    """Return addresses by route, as somebody finds them who follows every link."""
    found: dict[str, list[str]] = {}
    waiting, seen = ["/console", *(path for path in PAGES if "{" not in path)], set[str]()
    while waiting:
        path = waiting.pop(0)
        route = kind(path)
        if path in seen or route is None or len(found.get(route, [])) >= EACH.get(route, 1):
            continue
        seen.add(path)
        reply = people["all"].get(path)
        assert reply.status in (200, 303), (path, reply.status)
        if reply.status == 200:
            found.setdefault(route, []).append(path)
            waiting += LINK.findall(reply.body.decode().replace("&amp;", "&"))
    return found


@contextmanager
def window(chromium: Browser, who: Visitor, **how: Any) -> Iterator[Page]:
    """Yield a page of somebody who is signed in; nothing in it changes by itself."""
    with chromium.new_context(base_url=who.place.url, reduced_motion="reduce", **how) as context:
        name, _, value = who.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": who.place.url}])
        context.route("**/stream", lambda route: route.abort())
        yield context.new_page()


def look(page: Page, path: str) -> list[str]:
    """Open a page with all that folds, and return its faults."""
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return faults(page)


def test_every_page_without_a_parameter_is_led_to(addresses: dict[str, list[str]]) -> None:
    assert {path for path in PAGES if "{" not in path} - addresses.keys() == set()
    assert {"/console/tasks/{id}", "/console/decisions/{id}"} <= addresses.keys()


def test_the_help_names_every_key(
    people: dict[str, Visitor], addresses: dict[str, list[str]]
) -> None:
    told = set(re.findall(r"<kbd>(\w)</kbd>", people["all"].get("/console/help").body.decode()))
    for path in (path for some in addresses.values() for path in some):
        used = re.findall(r'accesskey="(\w)"', people["all"].get(path).body.decode())
        assert set(used) <= told | set("12345"), path
        assert len(used) == len(set(used)), path


def test_every_page_is_accessible_to_who_may_do_everything(
    chromium: Browser, people: dict[str, Visitor], addresses: dict[str, list[str]]
) -> None:
    paths = [path for some in addresses.values() for path in some]
    broken = {}
    with window(chromium, people["all"], viewport={"width": 1280, "height": 900}) as page:
        for path in paths:
            found = look(page, path)
            page.set_viewport_size({"width": 360, "height": 800})
            found += ["wide on a phone"] * bool(page.evaluate(WIDE))
            page.set_viewport_size({"width": 1280, "height": 900})
            broken |= {path: found} if found else {}
    assert broken == {}


def test_every_page_is_there_without_script(
    chromium: Browser, people: dict[str, Visitor], addresses: dict[str, list[str]]
) -> None:
    broken = {}
    how = {"viewport": {"width": 360, "height": 800}, "java_script_enabled": False}
    with window(chromium, people["all"], **how) as page:
        for path in (path for some in addresses.values() for path in some):
            page.goto(path)
            if page.locator("main h1, main h2").count() == 0 or page.evaluate(WIDE):
                broken[path] = page.locator("main").inner_text()[:200]
    assert broken == {}


def test_what_only_some_roles_see_is_accessible_on_a_phone(
    chromium: Browser, people: dict[str, Visitor], addresses: dict[str, list[str]]
) -> None:
    paths = [some[0] for some in addresses.values()]
    known = {_mark(people["all"].get(path)) for path in paths}
    broken = {}
    for role in ROLES:
        with window(chromium, people[role], viewport={"width": 390, "height": 800}) as page:
            for path in paths:
                reply = people[role].get(path)
                assert reply.status in (200, 303, 403), (role, path, reply.status)
                if reply.status == 200 and (mark := _mark(reply)) not in known:
                    known.add(mark)
                    found = look(page, path)
                    broken |= {(role, path): found} if found else {}
    assert broken == {}


def _mark(reply: Reply) -> bytes:
    """Return what stands for the content of a page, but for what differs each time."""
    return hashlib.sha256(FLEETING.sub("", reply.body.decode()).encode()).digest()


WIDE = "document.documentElement.scrollWidth > innerWidth"
REACHED = """() => {
  const seen = window.reached ??= new Set(), now = document.activeElement;
  if (!now || now === document.body) return false;
  seen.add(now);
  return true;
}"""
MISSED = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(one => one.checkVisibility() && !one.disabled && !(window.reached ?? new Set()).has(one)
    // Of the choices of one question the keyboard stops at one; arrows lead to the others.
    && !(one.type === 'radio' && [...window.reached].some(other => other.name === one.name)))
  .map(one => one.outerHTML.slice(0, 120))"""


def test_every_page_works_by_keyboard(
    chromium: Browser, people: dict[str, Visitor], addresses: dict[str, list[str]]
) -> None:
    missed = {}
    with window(chromium, people["all"], viewport={"width": 1280, "height": 900}) as page:
        for path in (some[0] for some in addresses.values()):
            page.goto(path)
            for _ in range(400):
                page.keyboard.press("Tab")
                if not page.evaluate(REACHED):
                    break
            if found := page.evaluate(MISSED):
                missed[path] = found
    assert missed == {}
