"""What a person is told whose data was given to an authority, in their language. Pure."""

from datetime import datetime

from openhaven.authorities.requests.model import Asked, Request, Wanted
from openhaven.core.words import day_in, mark, translate

TITLE = mark("An authority asked about your account")
_GAVE = mark(
    "An authority asked {service} for data about you, and the law made us give some of it."
)
_WHO = mark("Who asked: {authority}, {country}. Its number: {reference}.")
_BASIS = mark("The law that it named: {basis}.")
_WHAT = mark("What we gave: {what}, of the time from {since} to {until}. We gave it on {day}.")
_LATER = mark("We tell you only now, because we were not allowed to tell you sooner.")
_REDRESS = mark(
    "You can ask the authority or a court whether this was lawful. A lawyer, or a group that "
    "stands up for digital rights, can help you. How we deal with such requests: {url}"
)
# The kinds of data in words for everybody.
CATEGORIES: dict[str, str] = {
    "subscriber": mark("what we know of your account, such as your address"),
    "access": mark("network addresses"),
    "traffic": mark("when you did what, without content"),
    "content": mark("what you wrote or posted"),
    "decisions": mark("our decisions about you"),
    "evidence": mark("sealed copies of what was looked into"),
}


def text_of(
    language: str, service: str, url: str, found: Request, asked: Asked, wanted: Wanted
) -> tuple[str, str]:
    """Return title and text of the word to a person."""
    what = ", ".join(translate(language, CATEGORIES[one]) for one in wanted.categories)
    days = [day_in(language, one) for one in (wanted.since, wanted.until, _given(found))]
    link = f"{url}/lawful-requests" + ("" if language == "en" else f"?lang={language}")
    parts = [
        translate(language, _GAVE, service=service),
        translate(language, _WHO, authority=asked.authority, country=found.country,
                  reference=asked.reference or "–"),
        translate(language, _BASIS, basis=asked.basis) if asked.basis else "",
        translate(language, _WHAT, what=what, since=days[0], until=days[1], day=days[2]),
        translate(language, _LATER) if wanted.delay_ground else "",
        translate(language, _REDRESS, url=link),
    ]  # fmt: skip
    return translate(language, TITLE), "\n\n".join(part for part in parts if part)


def _given(found: Request) -> datetime:
    return found.ended_at or found.received_at
