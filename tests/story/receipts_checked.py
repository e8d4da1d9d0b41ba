"""A receipt as a person checks it: with the command, and on the saved page with the network off."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from story_scene import Demo, sound


def save_receipt(page: Page, folder: Path) -> Path:
    """Press “Save the receipt” on a decision's page; return the file."""
    with page.expect_download() as saving:
        page.click("text=Save the receipt")
    file = folder / saving.value.suggested_filename
    saving.value.save_as(file)
    return file


def check_by_command(demo: Demo, page: Page, receipt: Path) -> None:
    """Let the command check a receipt, and one that was altered."""
    key = page.request.get(f"{demo.haven}/ledger/key").text().strip()
    assert "holds" in demo.openhaven("receipt", "verify", str(receipt), "--key", key)
    altered = receipt.with_name("altered.tlog-proof")
    altered.write_text(receipt.read_text().replace("index ", "index 9"))
    demo.openhaven("receipt", "verify", str(altered), "--key", key, fails=True)


def check_offline(browser: Browser, demo: Demo, receipt: Path, language: str = "en") -> str:
    """Save the page that checks receipts, cut the network, open it from the disk; return its word.

    The page may ask for nothing but itself.
    """
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{demo.haven}/transparency/receipts?lang={language}")
        with page.expect_download() as saving:
            page.click("a[href*='check.html']")
        file = receipt.with_name(f"check-{language}.html")
        saving.value.save_as(file)
        context.set_offline(True)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.set_input_files("#file", str(receipt))
        page.click("#form button")
        page.wait_for_selector("#result h2")
        assert asked == [file.as_uri()]
        expect(page.locator("#result")).to_have_attribute("class", "good")
        sound(page, "receipt" if language == "en" else f"receipt-{language}")
        return page.inner_text("#result")
