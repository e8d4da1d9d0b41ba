"""The form of a filing: what a specialist enters, read field by field. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from openhaven.authorities.cybertip import Entered, FilePlan
from openhaven.authorities.cybertip.model import (
    Associated,
    FileTags,
    IncidentType,
    ReportTags,
)
from openhaven.authorities.cybertip.parts import IpEvent
from openhaven.authorities.facts import CaseFacts
from openhaven.core import Problem

TYPES: tuple[str, ...] = get_args(IncidentType)
WHERES = {"chat": "In a chat or message", "web": "On a page", "game": "In a game",
          "email": "By e-mail"}  # fmt: skip
REPORT_TAGS = {
    "sextortion": "Threats with pictures (sextortion)",
    "csam_solicitation": "A child was asked for pictures",
    "minor_to_minor_interaction": "Between minors",
    "sadistic_online_exploitation": "A child was made to hurt themselves or others",
    "spam": "Spam",
}
FILE_TAGS = {
    "generative_ai": "made by a machine",
    "viral": "viral",
    "potential_meme": "potential meme",
    "possible_self_production": "possibly made by the child",
    "infant": "an infant",
    "physical_harm": "physical harm",
    "violence_gore": "violence",
    "bestiality": "bestiality",
    "live_streaming": "from a live stream",
    "anime_drawing_virtual_hentai": "drawn or virtual",
}
CLASSES = {
    "A1": "A1: prepubescent, sex act",
    "A2": "A2: prepubescent, lascivious exhibition",
    "B1": "B1: pubescent, sex act",
    "B2": "B2: pubescent, lascivious exhibition",
}
_MOST_LINES = 200


def read(form: Mapping[str, str], facts: CaseFacts) -> Entered:
    """Return what was entered; raises `Problem` (400) that names the line which cannot be read."""
    many = {name: _lines(form.get(name, "")) for name in ("urls", "emails", "batch")}
    given: dict[str, Any] = {
        "incident_type": form.get("incident_type") or None,
        "where": form.get("where") or None,
        "tags": _tags(ReportTags, REPORT_TAGS, form, "tag."),
        "ips": tuple(_ip(line) for line in _lines(form.get("ips", ""))),
        "priors": tuple(_number(line) for line in _lines(form.get("priors", ""))),
        "associated": tuple(_associated(line) for line in _lines(form.get("associated", ""))),
        "victim_age": _age(form.get("victim_age", "")),
        "files": tuple(_files(form, facts)),
        **{name: tuple(lines) for name, lines in many.items()},
        **{name: form.get(name, "").strip() for name in _TEXTS},
    }
    try:
        return msgspec.convert(msgspec.to_builtins(given), Entered, strict=False)
    except msgspec.ValidationError as error:
        raise Problem("filing.form", "A field cannot be read.", str(error).split(" - ")[-1],
                      next_step="Choose one of what is offered.") from error  # fmt: skip


_TEXTS = ("urgent", "room", "said", "screen_name", "victim_account", "notes")


def _lines(text: str) -> list[str]:
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if len(found) > _MOST_LINES:
        raise Problem("filing.form", f"A list has {_MOST_LINES} lines at most.")
    return found


def _tags(kind: type[Any], names: Iterable[str], form: Mapping[str, str], lead: str) -> Any:
    chosen = {name: True for name in names if form.get(lead + name)}
    return kind(**chosen) if chosen else None


def _ip(line: str) -> IpEvent:
    """Read an address, perhaps with a moment and a port: `192.0.2.1 2026-01-02T03:04Z 80`."""
    address, *rest = line.split()
    moment, port = None, None
    for word in rest:
        if word.isdecimal():
            port = int(word[:6])
        else:
            moment = _moment(word)
    return IpEvent(ip_address=address, event_name="Other", date_time=moment, port=port)


def _moment(word: str) -> datetime:
    try:
        found = datetime.fromisoformat(word)
    except ValueError as error:
        raise Problem("filing.form", "A moment cannot be read.", word[:40],
                      next_step="Write it like 2026-01-02T03:04Z.") from error  # fmt: skip
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(line: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", line):
        raise Problem("filing.form", "This is no number of a CyberTipline report.", line[:40])
    return int(line)


def _associated(line: str) -> Associated:
    """Read another account: its identifier, perhaps after its kind, as in `Linked: user-2`."""
    kind, colon, rest = line.partition(":")
    kinds = {one.lower(): one for one in get_args(Associated.__annotations__["type"])}
    if colon and kind.strip().lower() in kinds:
        return Associated(type=kinds[kind.strip().lower()], esp_identifier=rest.strip())
    return Associated(type="Linked", esp_identifier=line)


def _age(text: str) -> int | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,3}", text.strip()):
        raise Problem("filing.form", "An age is a number of years.")
    return int(text)


def _files(form: Mapping[str, str], facts: CaseFacts) -> Iterable[FilePlan]:
    for item in facts.items.values():
        if not form.get(f"file.{item.id}"):
            continue
        public = {"yes": True, "no": False}.get(form.get(f"public.{item.id}", ""))
        plan = {
            "item": item.id,
            "relevance": form.get(f"relevance.{item.id}") or "Reported",
            "name": item.name[:2056] or None,
            "uploaded_at": facts.event.at if facts.event else None,
            "publicly_available": public,
            "tags": _tags(FileTags, FILE_TAGS, form, f"filetag.{item.id}."),
            "classification": form.get(f"class.{item.id}") or None,
        }
        yield msgspec.convert(msgspec.to_builtins(plan), FilePlan, strict=False)
