"""Signing in, in a real browser with a real (virtual) authenticator; and the pages, looked at."""

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from door_scene import ME, hire, link
from playwright.sync_api import Browser, Page, expect

from browsing import faults
from openhaven import staff
from openhaven.staff import glass
from openhaven.web.app import build_app, listen, server_for

if TYPE_CHECKING:
    from openhaven.line import Haven

pytestmark = pytest.mark.slow
PHONE: dict[str, Any] = {"width": 390, "height": 844}
PATIENCE = 300_000


@contextmanager
def at_localhost(haven: "Haven") -> Iterator[str]:
    """Serve the house under the name that browsers trust without TLS."""
    listener = listen("127.0.0.1", 0)
    url = f"http://localhost:{listener.getsockname()[1]}"
    made = msgspec.structs.replace(haven.settings, public_url=url)
    server = server_for(build_app(dataclasses.replace(haven, settings=made)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield url
    finally:
        server.stop()
        thread.join(300)
        listener.close()


def with_key(page: Page) -> tuple[Any, str]:
    """Plug a virtual authenticator into the browser; return how to speak to it, and its id."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
               "hasUserVerification": True, "isUserVerified": True,
               "automaticPresenceSimulation": True}  # fmt: skip
    made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return wire, made["authenticatorId"]


def looked_at(page: Page, name: str) -> None:
    """Look at a page as on a screen and as on a phone, in light and in dark."""
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    wide = page.viewport_size
    for size, scheme in ((wide, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert faults(page) == [], name
        if folder := os.environ.get("LOOK_AT"):
            page.screenshot(path=Path(folder) / f"{name}-{scheme}.png", full_page=True)
    page.set_viewport_size(wide)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


def test_a_passkey_from_the_first_link_to_its_removal(haven: "Haven", chromium: Browser) -> None:
    hire(haven, "Ada", "administrator")
    with at_localhost(haven) as url:
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE)
        wire, device = with_key(page)
        page.goto(url + link(haven, "Ada"))
        page.get_by_role("button", name="Sign in").click()
        # Who signs in with a link is asked to add a passkey.
        page.get_by_role("link", name="Add a passkey").click()
        looked_at(page, "account-first")
        page.get_by_label("What you call it").fill("Pocket one")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("Pocket one", exact=True)).to_be_visible()
        assert (
            len(wire.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"])
            == 1
        )
        # The same device is not added twice.
        page.get_by_role("button", name="Add another passkey").click()
        expect(page.get_by_text("has a passkey for you here already")).to_be_visible(
            timeout=PATIENCE
        )
        looked_at(page, "account-key")
        page.get_by_role("button", name="Sign out").click()
        looked_at(page, "sign-in")
        # Signing in takes a single press of a key: no name, no password.
        page.get_by_role("button", name="Sign in with a passkey").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/console")
        # A second device.
        second = page.context.browser.new_page()  # type: ignore[union-attr]
        second.set_default_timeout(PATIENCE)
        with_key(second)
        second.goto(url + link(haven, "Ada"))
        second.get_by_role("button", name="Sign in").click()
        second.goto(url + "/console/account")
        second.get_by_label("What you call it").fill("Ring two")
        second.get_by_role("button", name="Add another passkey").click()
        expect(second.get_by_text("Ring two", exact=True)).to_be_visible()
        second.get_by_role("button", name="Remove the passkey Pocket one").click()
        expect(second.get_by_text("Pocket one", exact=True)).to_have_count(0)
        # The first device's passkey is worth nothing now.
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("This passkey does not fit.")).to_be_visible()
        expect(page).to_have_url(f"{url}/sign-in")
        page.close()
        second.close()


def test_a_person_who_is_not_seen_is_not_signed_in(haven: "Haven", chromium: Browser) -> None:
    hire(haven, "Ada")
    with at_localhost(haven) as url:
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE)
        wire, device = with_key(page)
        page.goto(url + link(haven, "Ada"))
        page.get_by_role("button", name="Sign in").click()
        page.goto(url + "/console/account")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("added just now").or_(page.get_by_text("added "))).to_be_visible(
            timeout=PATIENCE
        )
        with haven.db.begin(ME) as tx:
            tx.run("UPDATE sessions SET proven_at = proven_at - interval '11 minutes'")
        page.reload()
        page.get_by_role("link", name="show once more that it is you").click()
        looked_at(page, "confirm")
        wire.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("That was cancelled")).to_be_visible()
        wire.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{url}/console/account")
        expect(page.get_by_role("button", name="Add another passkey")).to_be_visible()
        page.close()


def test_everything_else_works_without_scripts(haven: "Haven", chromium: Browser) -> None:
    hire(haven, "Ada", "administrator", "auditor")
    hire(haven, "Ben", "moderator")
    with haven.db.begin(ME) as tx:
        ben = staff.named(tx, "Ben")
        glass.take(tx, ben, "ledger.read", "Somebody is in danger, and nobody else is here.",
                   glass.model.span("60"))  # fmt: skip
    with at_localhost(haven) as url:
        context = chromium.new_context(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url + "/sign-in")
        expect(page.get_by_text("This needs JavaScript")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
        page.goto(url + link(haven, "Ada"))
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="See who, and say whether it was right").click()
        page.get_by_text("Say whether it was right").click()
        page.get_by_label("It was right").check()
        page.get_by_label("Why").fill("A person was in danger, and was helped.")
        page.get_by_role("button", name="Say so").click()
        expect(page.get_by_text("Ada: It was right. A person was in danger")).to_be_visible()
        page.goto(url + "/console/account")
        page.get_by_role("button", name="Set a password").click()
        expect(page.get_by_label("The same once more")).to_be_visible()
        context.close()
        seen = chromium.new_page()
        seen.set_default_timeout(PATIENCE)
        seen.goto(url + link(haven, "Ada"))
        seen.get_by_role("button", name="Sign in").click()
        for path in ("/console/staff", "/console/reads", "/console/account"):
            seen.goto(url + path)
            looked_at(seen, path.rpartition("/")[2])
        seen.get_by_role("button", name="Set a password").click()
        looked_at(seen, "password")
        seen.close()
