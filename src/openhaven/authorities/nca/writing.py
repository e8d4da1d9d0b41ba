"""From a case to a sheet for the NCA or a letter to a hotline. Pure.

Fields of the register: Schedule 1 of SI 2026/268, each "where that information is available".
Nothing waits for what is missing: it is handed in, and supplemented.
"""

from openhaven.authorities import lines
from openhaven.authorities.cybertip.entered import Entered
from openhaven.authorities.facts import CaseFacts
from openhaven.authorities.nca.model import PRIORITIES, Priority, Row, Section, Sheet
from openhaven.core import HARMS
from openhaven.storage.settings import Authorities

_PERSON = "specialist"
# What this product never knows: the platform has to look it up and a specialist to enter it there.
_PHONES = "telephone and when it was verified"
_UNKNOWN = (
    "recovery e-mail", _PHONES, "billing details",
    "identity documents", "sign-in addresses of the last three months",
)  # fmt: skip


def sheet(
    facts: CaseFacts, entered: Entered, who: Authorities, service: str, priority: Priority = 2
) -> Sheet:
    """Return the fields of the NCA's register as far as the case and the specialist know them."""
    sections = (
        Section("Who reports", _known(
            ("name", f"{who.reporter_first_name} {who.reporter_last_name}".strip(), "settings"),
            ("organisation", who.company, "settings"),
            ("e-mail", who.reporter_email, "settings"),
            ("whom to call", " ".join(filter(None, (
                who.contact_first_name, who.contact_last_name, who.contact_phone,
                who.contact_email))), "settings"),
        )),
        Section("What was detected", _content(facts, entered, service)),
        Section("History", _known(*(("earlier reference", one.reference, f"filing:{one.filing}")
                                    for one in facts.priors))),
        Section("Account", _account(facts, entered)),
        Section("Others", _others(entered)),
        Section("Police", _police(entered)),
        Section("Notes", _known(("what else is known", entered.notes, _PERSON),
                                ("why it is urgent", entered.urgent, _PERSON))),
    )  # fmt: skip
    told = {_PHONES} if entered.someone.phones else set()
    return Sheet(priority=priority, sections=tuple(one for one in sections if one.rows),
                 unknown=tuple(one for one in _UNKNOWN if one not in told))  # fmt: skip


def _content(facts: CaseFacts, entered: Entered, service: str) -> tuple[Row, ...]:
    event = facts.event
    source = f"event:{facts.seq}" if facts.seq is not None else f"case:{facts.case.id}"
    url = event.item.url if event and event.item else None
    rows = [
        ("kind", HARMS[facts.case.harm].words, f"case:{facts.case.id}"),
        ("platform", service, "settings"),
        ("address of the content", url or "", source),
        *(("address of the content", one, _PERSON) for one in entered.urls),
        ("when it happened", f"{facts.happened_at:%Y-%m-%d %H:%M:%S} UTC", source),
        ("about that moment", entered.when_words, _PERSON),
        ("room or place", entered.room, _PERSON),
        ("what was said", entered.said, _PERSON),
        ("about the place", entered.where_notes, _PERSON),
        ("telephone with which it happened", entered.where_phone, _PERSON),
        ("on somebody else's server", _yes_no(entered.hosted_elsewhere), _PERSON),
        ("from address", facts.context("ip", "ip_address") or "", source),
        ("from port", facts.context("port", "ip_port") or "", source),
    ]
    for one in facts.items.values():
        if one.kind == "media":
            seen = facts.views[one.id].viewed if one.id in facts.views else False
            rows += [
                ("file", f"{one.media_type}, {one.bytes:,} bytes", f"evidence:{one.id}"),
                ("its hash (SHA-256)", one.sha256.hex(), f"evidence:{one.id}"),
                ("seen by a person", "yes" if seen else "no", f"evidence:{one.id}"),
            ]
    return _known(*rows)


def _account(facts: CaseFacts, entered: Entered) -> tuple[Row, ...]:
    source = f"event:{facts.seq}" if facts.seq is not None else f"case:{facts.case.id}"
    some = entered.someone
    by_hand = (
        ("user name", (entered.screen_name,)),
        ("name shown", some.display_names),
        ("page of the account", some.profiles),
        ("about themselves", (some.bio,)),
        ("group", (some.group,)),
        ("name of the person", (f"{some.first_name} {some.last_name}".strip(),)),
        ("date of birth", ("" if some.born is None else some.born.isoformat(),)),
        ("age in years", ("" if some.age is None else str(some.age),)),
        ("postal address", (some.address,)),
        ("seems to be in", (", ".join(filter(None, (some.city, some.region, some.country))),)),
        ("e-mail", tuple(map(lines.write_email, entered.emails))),
        ("telephone", tuple(map(lines.write_phone, some.phones))),
        ("address", tuple(map(lines.write_ip, entered.ips))),
        ("device", tuple(map(lines.write_device, some.devices))),
        ("connected account", tuple(map(lines.write_associated, entered.associated))),
        ("taken over by somebody", (_yes_no(some.compromised),)),
        ("one of another service", (_yes_no(some.third_party),)),
        ("notes on the account", (some.notes,)),
    )
    return _known(
        ("identifier of the account", facts.case.account or "", source),
        ("device", facts.event.device.id if facts.event and facts.event.device else "", source),
        *((name, value, _PERSON) for name, values in by_hand for value in values),
    )


def _others(entered: Entered) -> tuple[Row, ...]:
    """Return the child, further ones, and for whom it was meant."""
    child = entered.child
    one = (
        ("account of the child", child.account),
        ("its user name", child.screen_name),
        ("its age in years", "" if child.age is None else str(child.age)),
        ("its e-mail", child.email),
        ("its school", child.school),
        ("about the child", child.notes),
    )
    more = [("a further child", lines.write_child(each)) for each in entered.children]
    meant = [("meant for", lines.write_recipient(each)) for each in entered.recipients]
    return _known(*((name, value, _PERSON) for name, value in (*one, *more, *meant)))


def _police(entered: Entered) -> tuple[Row, ...]:
    known = entered.police
    if not known.agency:
        return ()
    officer = " ".join(filter(None, (known.first_name, known.last_name, known.phone, known.email)))
    return _known(("police force", known.agency, _PERSON), ("its number", known.number, _PERSON),
                  ("officer", officer, _PERSON), ("was told", _yes_no(known.reported), _PERSON),
                  ("legal process was served", _yes_no(known.served), _PERSON),
                  ("legal process of the country", known.served_abroad, _PERSON))  # fmt: skip


def _yes_no(said: bool | None) -> str:
    return "" if said is None else "yes" if said else "no"


def _known(*rows: tuple[str, str, str]) -> tuple[Row, ...]:
    return tuple(Row(*row) for row in rows if row[1])


def text(given: Sheet, *, head: str) -> str:
    """Return a sheet as plain text, to be entered into a portal by hand; `head` is its title."""
    lines = [head, f"Priority {PRIORITIES[given.priority]}", ""]
    for section in given.sections:
        lines += [section.title.upper(), *(f"  {row.field}: {row.value}" for row in section.rows)]
        lines.append("")
    if given.unknown:
        lines += ["NOT KNOWN HERE (supplement it if it is found)"]
        lines += [f"  {one}" for one in given.unknown]
    return "\n".join(lines) + "\n"


def letter(facts: CaseFacts, entered: Entered, service: str) -> Sheet:
    """Return what a hotline needs to act: where, what and when. No person, no picture, no hash."""
    event = facts.event
    url = event.item.url if event and event.item else None
    source = f"event:{facts.seq}" if facts.seq is not None else f"case:{facts.case.id}"
    rows = _known(
        ("kind", HARMS[facts.case.harm].words, f"case:{facts.case.id}"),
        ("platform", service, "settings"),
        ("address of the content", url or "", source),
        *(("address of the content", one, _PERSON) for one in entered.urls),
        ("when it happened", f"{facts.happened_at:%Y-%m-%d %H:%M} UTC", source),
        ("notes", entered.notes, _PERSON),
    )
    return Sheet(sections=(Section("What was found", rows),))
