"""The saved page that checks receipts, in a real browser with the network off."""

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_scene import Scene
from pages_visitor import Visitor
from playwright.sync_api import BrowserContext, Page, expect
from web_scene import Place

from browsing import browser, faults
from openhaven import decisions
from openhaven.ledger import ProofError, check_receipt

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def text(scene: Scene) -> str:
    """Return the receipt of a decision as the person saves it."""
    while scene.haven.sequencer.tick():
        pass
    made = scene.decision_of("post-13")
    with scene.haven.db.read() as tx:
        return decisions.receipt_of(tx, decisions.decision(tx, made))


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with (
        browser() as running,
        running.new_context(viewport={"width": 1280, "height": 900}) as opened,
    ):
        yield opened


@pytest.fixture
def saved(place: Place, context: BrowserContext, tmp_path: Path) -> Iterator[Page]:
    """Save the page as a person does, cut the network, and open it from the disk."""
    reply = Visitor(place).get("/transparency/receipts/check.html")
    assert reply.headers["content-disposition"] == 'attachment; filename="check-a-receipt.html"'
    file = tmp_path / "check-a-receipt.html"
    file.write_bytes(reply.body)
    context.set_offline(True)
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("console", lambda message: seen.append(f"console: {message.text}"))
    page.goto(file.as_uri())
    yield page
    assert seen == [file.as_uri()], "it asked for something, or something went wrong"
    page.close()


def told(page: Page, text: str | bytes, key: str | None = None) -> str:
    """Let the page check a receipt; return what it says."""
    data = text.encode() if isinstance(text, str) else text
    page.get_by_label("The receipt").set_input_files(
        {"name": "mine.tlog-proof", "mimeType": "text/plain", "buffer": data}
    )
    if key is not None:
        page.get_by_label("The public key").fill(key)
    page.get_by_role("status").evaluate("one => one.replaceChildren()")
    page.get_by_role("button", name="Check the receipt").click()
    page.wait_for_selector("#result h2")
    return page.get_by_role("status").inner_text()


def test_a_right_receipt_is_green_with_its_words(saved: Page, scene: Scene, text: str) -> None:
    shown = told(saved, text)
    words = check_receipt(text, scene.haven.signer.vkey).words
    assert "This receipt holds" in shown
    expect(saved.locator("#result")).to_have_attribute("class", "good")
    assert saved.locator("#result pre").text_content() == words
    assert scene.decision_of("post-13") in shown


def test_an_altered_receipt_is_red_with_what_is_wrong(saved: Page, text: str) -> None:
    for old, new, why in (
        ("index ", "index 9", "beyond the end"),
        ("c2sp.org", "c3sp.org", "this is no receipt"),
        ("— openhaven", "— 0penhaven", "it is not signed by"),
    ):
        shown = told(saved, text.replace(old, new))
        assert "This receipt does not hold" in shown
        assert why in shown
        expect(saved.locator("#result")).to_have_attribute("class", "bad")
        expect(saved.locator("#result pre")).to_have_count(0)
    lines = text.split("\n")
    lines[1] = lines[1][:-9] + ("A" if lines[1][-9] != "A" else "B") + lines[1][-8:]
    assert "This receipt does not hold" in told(saved, "\n".join(lines))
    assert "the key" in told(saved, text, "openhaven.example+0000+AAAA")


def test_the_text_can_be_pasted(saved: Page, text: str) -> None:
    saved.get_by_label("Or its text").fill(text)
    saved.get_by_role("button", name="Check the receipt").click()
    saved.wait_for_selector("#result h2")
    expect(saved.get_by_role("status")).to_contain_text("This receipt holds", use_inner_text=True)


def mutants(text: str) -> list[bytes]:
    """Return altered receipts: bytes flipped, left out and doubled, lines swapped."""
    dice, data = random.Random(7), text.encode()
    made = []
    for at in range(0, len(data), 5):
        made += [data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :] for flip in (1, 32, 128)]
        made += [data[:at] + data[at + 1 :], data[:at] + data[at : at + 1] + data[at:], data[:at]]
    lines = data.split(b"\n")
    for _ in range(100):
        mixed = lines[:]
        a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
        mixed[a], mixed[b] = mixed[b], mixed[a]
        made.append(b"\n".join(mixed))
    return made


def test_it_says_what_the_command_says(saved: Page, scene: Scene, text: str) -> None:
    key = scene.haven.signer.vkey
    tried = [text.encode(), *mutants(text)]
    holds = """async ([all, key]) => {
      const found = [];
      for (const one of all) {
        const bytes = Uint8Array.from(atob(one), (sign) => sign.charCodeAt(0));
        found.push(await check(bytes, key).then((said) => said.signed, (error) => {
          if (!(error instanceof Refused)) throw error;
          return false;
        }));
      }
      return found;
    }"""
    said = saved.evaluate(holds, [[b64encode(one).decode() for one in tried], key])
    assert said == [_holds(one, key) for one in tried]
    assert said.count(True) == 1 + tried[1:].count(text.encode())


def _holds(data: bytes, key: str) -> bool:
    try:
        check_receipt(data.decode(), key)
    except (ProofError, UnicodeDecodeError):
        return False
    return True


def test_a_browser_without_ed25519_says_so(saved: Page, text: str) -> None:
    saved.evaluate("""() => {
      const real = crypto.subtle.importKey.bind(crypto.subtle);
      crypto.subtle.importKey = async (form, data, how, ...rest) => {
        if (how.name === "Ed25519") throw new DOMException("", "NotSupportedError");
        return real(form, data, how, ...rest);
      };
    }""")
    shown = told(saved, text)
    assert "Only half of it could be checked" in shown
    assert "does not know Ed25519" in shown
    expect(saved.locator("#result")).to_have_attribute("class", "half")
    altered = told(saved, text.replace("index ", "index 9"))
    assert "This receipt does not hold" in altered


@pytest.mark.parametrize("size", [(1280, 900), (390, 800)])
def test_the_page_is_accessible(saved: Page, text: str, size: tuple[int, int]) -> None:
    saved.set_viewport_size({"width": size[0], "height": size[1]})
    assert faults(saved) == []
    for case in (text, text.replace("index ", "index 9")):
        told(saved, case)
        assert faults(saved) == []
