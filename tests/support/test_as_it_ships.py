"""A house as it ships: nobody has verified a number, so none is shown, whoever asks where."""

from collections.abc import Iterator

import pytest
from web_scene import Place, serving

from openhaven.core import Actor, utcnow
from openhaven.core.words import languages
from openhaven.line import Haven
from openhaven.support.actions import ship
from openhaven.support.files import shipped
from openhaven.support.places import COUNTRIES

HTML = {"accept": "text/html"}
FORM = HTML | {"content-type": "application/x-www-form-urlencoded"}
DIRECTORY = "findahelpline.com"
PAGES = ("/help?country={}&lang={}", "/threat?country={}&lang={}", "/removal?country={}&lang={}",
         "/watch?country={}&lang={}")  # fmt: skip


@pytest.fixture
def place(haven: Haven) -> Iterator[Place]:
    with haven.db.begin(Actor("system", "test")) as tx:
        ship(tx)
    haven.support.forget()
    haven.support.current()
    with serving(haven, ()) as running:
        yield running


def numbers() -> set[bytes]:
    """Return every number of the shipped list that could stand on a page."""
    found = {one for line in shipped(utcnow().date()) for one in (line.call, line.text) if one}
    # Three digits stand on pages as other numbers, too: these are told apart by what is around.
    return {one.encode() for one in found if len(one.replace(" ", "")) > 4}


@pytest.mark.parametrize("language", sorted(languages()))
def test_pages_lead_to_the_international_directory(place: Place, language: str) -> None:
    known = numbers()
    assert known
    for path in PAGES:
        body = place.ask("GET", path.format("GB", language), headers=HTML).body
        assert DIRECTORY.encode() in body, path
        assert not [one for one in known if one in body], path


@pytest.mark.parametrize("language", sorted(languages()))
def test_the_api_leads_to_the_international_directory(place: Place, language: str) -> None:
    for country in sorted(COUNTRIES)[::12]:
        asked = {"country": country, "topics": ["child", "suicide"], "language": language}
        services = place.post_json("/v1/support", asked).json["services"]
        assert services, country
        assert not [one for one in services if one["call"] or one["text"]], country
        assert any(DIRECTORY in one["web"] for one in services), country
