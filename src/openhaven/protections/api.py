"""The API of protections: what holds for an account, who changes it, and the check. Thin."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

import msgspec

from openhaven.core import AgeBand
from openhaven.protections import (
    Choice,
    Profile,
    Protected,
    Question,
    accounts,
    appeals,
    settings_of,
)
from openhaven.protections.checking import check_time
from openhaven.protections.handed import Handed, Wanted
from openhaven.protections.model import STRANGER, Answer, Part
from openhaven.storage import Tx
from openhaven.support.api import Way, ways_of
from openhaven.web.call import Answer as Reply
from openhaven.web.call import Call, as_json
from openhaven.web.json_text import decode

BATCH = 500
# Bytes of a body that is answered while all others wait: about 20 questions, half a millisecond.
_SHORT = 5_000
_NAMED = 5_000
Questions = Annotated[list[Question], msgspec.Meta(min_length=1, max_length=BATCH)]


class Setting(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A value for one protection; `by` is who chose it, `carer` which account when it was a carer.

    `explained`: the person read `before_opening` and wanted it.
    """

    value: str
    by: Literal["child", "holder", "carer", "operator"]
    explained: bool = False
    carer: str | None = None


class AgeSaid(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a source says of an age: never a birth date."""

    source: Literal["declared", "estimate", "carer"]
    band: AgeBand
    day: date | None = None
    expires: date | None = None
    carer: str | None = None


class PartShown(Part, frozen=True):
    """What the recipient is told; `services` can help with it, as in `GET /v1/support`."""

    services: tuple[Way, ...] = ()


class Checked(Answer, frozen=True):
    """The answer to a question. Each side is shown its own part only, `clause` goes to logs."""

    recipient: PartShown


class Explained(Protected, frozen=True):
    """What holds for one account, and who can help a child, or with worries about one."""

    services: tuple[Way, ...] = ()


def get_protections(call: Call) -> Reply:
    """Return what holds for an account: each value, why, who may change it, and who helps."""
    held, settings = call.haven.protections, call.haven.settings
    with call.haven.db.read(call.now) as tx:
        profile = accounts.profile_of(tx, call.platform, call.path["account"])
        days, whose = settings.age_link_days, profile.subject
        link = f"{settings.url}/age/{appeals.token(tx, whose, days)}" if whose else None
    language = call.language
    found = settings_of(held.check, profile, language, call.now.date())
    shown = {name: getattr(found, name) for name in found.__struct_fields__}
    services = _services(call, profile.country, ("child",), found.age.band, language)
    explained = Explained(**shown | {"appeal_url": link, "services": services})
    return as_json(explained, headers={"content-language": language})


def put_setting(call: Call) -> Reply:
    """Set one protection, for the holder, a carer or the operator."""
    said = call.json(Setting)
    account, held = call.path["account"], call.haven.protections
    role: Literal["child", "carer", "operator"] = "child" if said.by == "holder" else said.by
    choice = Choice(call.path["feature"], role, said.value, said.explained)
    with call.haven.db.begin(call.actor, call.now) as tx:
        change = accounts.set_protection(
            tx, held.defaults, call.platform, account, choice, carer=said.carer
        )
    held.snapshot.forget(call.platform, account)
    return as_json(change)


def put_age(call: Call) -> Reply:
    """Note what a source says of an account's age; answer with what it is taken to be now."""
    said = call.json(AgeSaid)
    account, held = call.path["account"], call.haven.protections
    with call.haven.db.begin(call.actor, call.now) as tx:
        age = accounts.note_age(
            tx, held.defaults, call.platform, account, said.source, said.band,
            day=said.day, expires=said.expires, carer=said.carer,
        )  # fmt: skip
    held.snapshot.forget(call.platform, account)
    return as_json(age)


def put_carer(call: Call) -> Reply:
    """Note that an account cares for another."""
    account, held = call.path["account"], call.haven.protections
    with call.haven.db.begin(call.actor, call.now) as tx:
        accounts.add_carer(tx, held.defaults, call.platform, account, call.path["carer"])
    held.snapshot.forget(call.platform, account)
    return as_json({"account": account, "carer": call.path["carer"]})


def delete_carer(call: Call) -> Reply:
    """End that an account cares for another."""
    account, held = call.path["account"], call.haven.protections
    with call.haven.db.begin(call.actor, call.now) as tx:
        accounts.remove_carer(tx, held.defaults, call.platform, account, call.path["carer"])
    held.snapshot.forget(call.platform, account)
    return as_json({"account": account, "carer": None})


def post_check(call: Call) -> Reply:
    """Answer one question, or a list of up to 500, in order."""
    questions = _questions(call)
    known = call.haven.protections.snapshot.profiles(call.platform, _named(questions))
    return _answers(call, questions, known)


def post_snapshot(call: Call) -> Reply:
    """Hand over what is needed to check elsewhere: profiles, what changed, and the data if new."""
    wanted, held = call.json(Wanted), call.haven.protections
    with call.haven.db.read(call.now) as tx:
        # The cursor first: what is written after it is named the next time.
        cursor = accounts.horizon(tx)
        changed = _changed(tx, call.platform, wanted.since)
        known = accounts.profiles(tx, [(call.platform, one) for one in wanted.accounts])
    new = wanted.data != held.defaults.fingerprint
    return as_json(
        Handed(
            profiles={
                one: msgspec.structs.replace(known.get((call.platform, one), STRANGER), subject="")
                for one in wanted.accounts
            },
            changed=changed,
            cursor=cursor,
            data=held.defaults.fingerprint,
            defaults=held.defaults if new else None,
            languages=held.words.sentences() if new else None,
        )
    )


def _changed(tx: Tx, platform: str, since: int | None) -> tuple[str, ...] | None:
    if since is None:
        return ()
    found = accounts.changed(tx, since, platform, _NAMED + 1)
    return tuple(account for _, account in found) if len(found) <= _NAMED else None


def check_at_once(call: Call) -> Reply | None:
    """Answer one question, or a short list, from memory alone.

    Returns None when an account has to be read first, or others would wait for a long list.
    """
    if len(call.content) > _SHORT:
        return None
    questions = _questions(call)
    known = call.haven.protections.snapshot.at_once(call.platform, _named(questions))
    return None if known is None else _answers(call, questions, known)


def _is_list(call: Call) -> bool:
    return call.content.lstrip()[:1] == b"["


def _questions(call: Call) -> list[Question]:
    return decode(call.content, Questions) if _is_list(call) else [call.json(Question)]


def _answers(call: Call, questions: list[Question], known: Mapping[str, Profile]) -> Reply:
    said = [_answer(call, one, known, place) for place, one in enumerate(questions)]
    return as_json(said if _is_list(call) else said[0])


def _named(questions: list[Question]) -> list[str]:
    return [party.id for one in questions for party in (one.sender, one.recipient) if party]


def _answer(call: Call, one: Question, known: Mapping[str, Profile], place: int) -> Answer:
    check_time(one.at, call.now, place)
    sender = known[one.sender.id] if one.sender else STRANGER
    recipient = known[one.recipient.id] if one.recipient else STRANGER
    check = call.haven.protections.check
    said = check.answer(one, sender, recipient, call.now)
    return said if said.answer == "allow" else _with_help(call, one, said, recipient)


def _with_help(call: Call, one: Question, said: Answer, profile: Profile) -> Answer:
    """Add who can help to what the recipient is told; the sender's part is never touched.

    It is looked up on every "no", so that how long that takes does not tell a child from a block.
    """
    party, told = one.recipient, said.recipient
    age = call.haven.protections.check.end(party, profile, call.now.date()).age
    country = (party.country if party else None) or profile.country
    language = (party.language if party else None) or one.language
    services = _services(call, country, told.help or ("child",), age.band, language)
    part = PartShown(told.code, told.text, told.help, services if told.help else ())
    return Checked(said.answer, said.sender, part, said.clause, said.data)


def _services(
    call: Call, country: str | None, topics: tuple[str, ...], band: AgeBand, language: str
) -> tuple[Way, ...]:
    """Return who helps, from memory alone."""
    held = call.haven.support
    return ways_of(held.now, country or held.country, topics, band, language)
