"""The form of a filing: what a specialist enters, read field by field. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, get_args

import msgspec

from openhaven.authorities import lines
from openhaven.authorities.cybertip import Entered, FilePlan
from openhaven.authorities.cybertip.body import original_name
from openhaven.authorities.cybertip.model import FileTags, IncidentType, ReportTags
from openhaven.authorities.facts import CaseFacts
from openhaven.core import Problem

TYPES: tuple[str, ...] = get_args(IncidentType)
WHERES = {
    "chat": "In a chat or message",
    "web": "On a page",
    "game": "In a game",
    "email": "By e-mail",
    "newsgroup": "In a newsgroup",
    "phone": "By telephone",
    "peer": "By sharing files directly (peer to peer)",
    "place": "At a place, outside of the network",
}
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
# Fields with one thing on each line: how a line is read, and how it is written again.
_Line = tuple[Callable[[str], Any], Callable[[Any], str]]
_PLAIN: _Line = (str, str)
LISTS: dict[str, _Line] = {
    "urls": _PLAIN,
    "emails": (lines.read_email, lines.write_email),
    "ips": (lines.read_ip, lines.write_ip),
    "priors": (lines.number, str),
    "associated": (lines.read_associated, lines.write_associated),
    "recipients": (lines.read_recipient, lines.write_recipient),
    "children": (lines.read_child, lines.write_child),
    "batch": _PLAIN,
}
SOMEONE_LISTS: dict[str, _Line] = {
    "phones": (lines.read_phone, lines.write_phone),
    "display_names": _PLAIN,
    "profiles": _PLAIN,
    "devices": (lines.read_device, lines.write_device),
}
_TEXTS = ("urgent", "when_words", "room", "said", "where_notes", "where_phone", "screen_name",
          "notes")  # fmt: skip
_SOMEONE = ("first_name", "last_name", "address", "bio", "group", "city", "region", "notes")
_CHILD = ("account", "screen_name", "email", "school", "notes")
_POLICE = ("agency", "number", "first_name", "last_name", "phone", "email")


def read(form: Mapping[str, str], facts: CaseFacts, *, lenient: bool = False) -> Entered:
    """Return what was entered; raises `Problem` (400) that names the line which cannot be read.

    With `lenient` such lines are left out: so the form is shown again after a mistake, with the
    rest as it was entered.
    """
    given: dict[str, Any] = {
        "incident_type": form.get("incident_type") or None,
        "where": form.get("where") or None,
        "tags": _tags(ReportTags, REPORT_TAGS, form, "tag."),
        "hosted_elsewhere": _yes_no(form, "hosted_elsewhere"),
        "someone": _someone(form, lenient=lenient),
        "child": {
            **_texts(form, "child.", _CHILD),
            "age": _one(lines.age, form.get("child.age", ""), lenient=lenient),
        },
        "police": _police(form, lenient=lenient),
        **_lists(form, "", LISTS, lenient=lenient),
        **_texts(form, "", _TEXTS),
    }
    try:
        given["files"] = tuple(_files(form, facts, lenient=lenient))
        return msgspec.convert(msgspec.to_builtins(given), Entered, strict=False)
    except msgspec.ValidationError as error:
        if lenient:
            return Entered()
        raise Problem("filing.form", "A field cannot be read.", str(error).split(" - ")[-1],
                      next_step="Choose one of what is offered.") from error  # fmt: skip


def written(entered: Entered, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return every list that was entered as the text of its field, by the field's name.

    `given` is a form with a mistake in it, which is shown as it was sent.
    """
    if given is not None:
        return {name: given.get(name, "")
                for name in (*LISTS, *(f"someone.{one}" for one in SOMEONE_LISTS))}  # fmt: skip
    plain = {name: lines.block(map(write, getattr(entered, name)))
             for name, (_, write) in LISTS.items()}  # fmt: skip
    return plain | {
        f"someone.{name}": lines.block(map(write, getattr(entered.someone, name)))
        for name, (_, write) in SOMEONE_LISTS.items()
    }


def _one(read: Callable[[str], Any], text: str, *, lenient: bool) -> Any:
    """Read one thing; what cannot be read is None where that is asked for."""
    try:
        return read(text)
    except Problem:
        if lenient:
            return None
        raise


def _lists(
    form: Mapping[str, str], lead: str, kinds: Mapping[str, _Line], *, lenient: bool
) -> dict[str, Any]:
    found = {}
    for name, (read, _) in kinds.items():
        given = _one(lines.lines, form.get(lead + name, ""), lenient=lenient) or ()
        every = (_one(read, line, lenient=lenient) for line in given)
        found[name] = tuple(one for one in every if one is not None)
    return found


def _texts(form: Mapping[str, str], lead: str, names: Iterable[str]) -> dict[str, str]:
    return {name: form.get(lead + name, "").strip() for name in names}


def _yes_no(form: Mapping[str, str], name: str) -> bool | None:
    return {"yes": True, "no": False}.get(form.get(name, ""))


def _someone(form: Mapping[str, str], *, lenient: bool) -> dict[str, Any]:
    lead = "someone."
    return {
        **_texts(form, lead, _SOMEONE),
        **_lists(form, lead, SOMEONE_LISTS, lenient=lenient),
        "age": _one(lines.age, form.get("someone.age", ""), lenient=lenient),
        "born": _one(_day, form.get("someone.born", ""), lenient=lenient),
        "country": _one(_country, form.get("someone.country", ""), lenient=lenient) or "",
        "compromised": _yes_no(form, "someone.compromised"),
        "third_party": _yes_no(form, "someone.third_party"),
    }


def _police(form: Mapping[str, str], *, lenient: bool) -> dict[str, Any]:
    given = _texts(form, "police.", _POLICE)
    if not given["agency"] and any(given.values()) and not lenient:
        raise Problem("filing.form", "The police force needs its name.",
                      next_step="Write it under “Name of the police force”.")  # fmt: skip
    return given | {
        "reported": _yes_no(form, "police.reported"),
        "served": _yes_no(form, "police.served"),
        "served_abroad": _one(_country, form.get("police.served_abroad", ""), lenient=lenient)
        or "",
    }


def _country(text: str) -> str:
    found = text.strip().upper()
    if found and not re.fullmatch("[A-Z]{2}", found):
        raise Problem("filing.form", "A country has two letters.", text[:20],
                      next_step="Such as GB, DE or US.")  # fmt: skip
    return found


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Problem("filing.form", "A day cannot be read.", text[:20],
                      next_step="Write it like 2001-02-03.") from error  # fmt: skip


def _tags(kind: type[Any], names: Iterable[str], form: Mapping[str, str], lead: str) -> Any:
    chosen = {name: True for name in names if form.get(lead + name)}
    return kind(**chosen) if chosen else None


def _files(form: Mapping[str, str], facts: CaseFacts, *, lenient: bool) -> Iterable[FilePlan]:
    for item in facts.items.values():
        if not form.get(f"file.{item.id}"):
            continue
        address = form.get(f"fileip.{item.id}", "").strip()
        plan = {
            "item": item.id,
            "relevance": form.get(f"relevance.{item.id}") or "Reported",
            "name": original_name(item),
            "uploaded_at": facts.event.at if facts.event else None,
            "location": form.get(f"location.{item.id}", "").strip() or None,
            "publicly_available": _yes_no(form, f"public.{item.id}"),
            "tags": _tags(FileTags, FILE_TAGS, form, f"filetag.{item.id}."),
            "classification": form.get(f"class.{item.id}") or None,
            "ip_event": _one(lines.read_ip, address, lenient=lenient) if address else None,
            "notes": tuple(
                _one(lines.lines, form.get(f"filenotes.{item.id}", ""), lenient=lenient) or ()
            ),
        }
        yield msgspec.convert(msgspec.to_builtins(plan), FilePlan, strict=False)
