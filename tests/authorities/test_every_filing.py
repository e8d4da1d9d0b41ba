"""Whatever a case holds, the report made of it fits the schema and the rules, and is sourced."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from filing_scene import WHO
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.authorities import form
from openhaven.authorities.cybertip import Entered, check, compose, entered_in, kept
from openhaven.authorities.cybertip.body import Body, details
from openhaven.authorities.cybertip.compose import TYPES
from openhaven.authorities.cybertip.entered import Child, Police, Someone
from openhaven.authorities.cybertip.model import (
    Associated,
    FileTags,
    Recipient,
    ReportTags,
    Victim,
)
from openhaven.authorities.cybertip.parts import Device, Email, IpEvent, Person, Phone
from openhaven.authorities.cybertip.xml import document, parse
from openhaven.authorities.facts import CaseFacts, CaseRow, Disabled, Prior
from openhaven.authorities.nca import sheet
from openhaven.authorities.plain import stated, stated_of_files
from openhaven.core import Problem
from openhaven.evidence import Item, Viewing
from openhaven.evidence.model import Look
from openhaven.intake import Account, Conversation, Event
from openhaven.intake import Device as Seen
from openhaven.intake import Item as Posted

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
past = st.integers(1, 3_000_000).map(lambda minutes: NOW - timedelta(minutes=minutes))
# Anything that a person or a platform may write, control characters and all.
words = st.text(min_size=1, max_size=40)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
ports = st.integers(1, 65535)


@st.composite
def events(draw: st.DrawFn) -> Event:
    said = draw(st.dictionaries(st.sampled_from(["ip", "port", "other"]),
                                st.one_of(addresses, words, ports)))  # fmt: skip
    url = draw(st.one_of(st.none(), words, st.just("https://here.example/i/1")))
    return Event(
        id="e1", kind=draw(st.sampled_from(["post.create", "message.send", "media.upload"])),
        at=draw(past), account=Account(id=draw(ids)),
        item=draw(st.one_of(st.none(), st.just(Posted(id="i1", url=url)))),
        conversation=draw(st.one_of(st.none(), ids.map(lambda one: Conversation(id=one)))),
        device=draw(st.one_of(st.none(), ids.map(lambda one: Seen(id=one)))), context=said,
    )  # fmt: skip


def item(number: int, name: str) -> Item:
    return Item(
        id=f"evi_{number}", case_id="cas_1", kind="media", sha256=bytes(32), md5=bytes(16), bytes=9,
        media_type="image/png", method="m", tool="t", blob="b", sealed_bytes=9, received_at=NOW,
        received_by="system:test", name=name,
    )  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> CaseFacts:
    event = draw(st.one_of(st.none(), events()))
    names = draw(st.lists(words, max_size=3))
    items = {f"evi_{n}": item(n, name) for n, name in enumerate(names)}
    looks = [(), (Look("staff:a", NOW, "grey", True, False),),
             (Look("staff:a", NOW, "original", True, True),)]  # fmt: skip
    ended = draw(st.one_of(st.none(), past))
    until = draw(st.sampled_from([None, NOW]))
    return CaseFacts(
        case=CaseRow(id="cas_1", platform="p", platform_name="here", item="i1",
                     account=draw(ids), harm=draw(st.sampled_from(sorted(TYPES))),
                     opened_at=draw(past)),
        seq=1 if event else None, event=event, items=items,
        disabled=ended and Disabled(decision="dec_1", decided_at=ended, until=until),
        priors=tuple(Prior(filing="fil_0", reference=str(n), case_id="cas_0")
                     for n in draw(st.lists(st.integers(1, 10**9), max_size=2))),
        views={one: Viewing(one, draw(st.sampled_from(looks))) for one in items},
    )  # fmt: skip


tags = st.builds(ReportTags, sextortion=st.sampled_from([None, True]),
                 spam=st.sampled_from([None, True]))  # fmt: skip
# What a form hands over: without space around it, and not empty.
said = words.map(lambda text: text.strip() or "x")
emails = st.builds(Email, text=st.sampled_from(["a@here.example", "b.c@there.example"]),
                   verified=st.sampled_from([None, True]))  # fmt: skip
phones = st.builds(Phone, text=said, type=st.sampled_from([None, "Mobile", "Work"]))
urls = st.sampled_from(["https://here.example/1", "http://there.example/ü?q=1"])
events_of_ips = st.builds(IpEvent, ip_address=addresses, port=ports, date_time=past,
                          event_name=st.sampled_from(["Login", "Upload", "Other"]),
                          possible_proxy=st.sampled_from([None, True]))  # fmt: skip
owned = st.builds(Device, id_type=said, id_value=said, date_time=st.one_of(st.none(), past),
                  event_name=st.sampled_from([None, "Login"]))  # fmt: skip


def few(one: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(one, max_size=2).map(tuple)


def maybe(one: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), one)


somebody = st.builds(
    Someone, first_name=maybe(said), last_name=maybe(said), phones=few(phones),
    age=st.one_of(st.none(), st.integers(0, 150)),
    born=st.sampled_from([None, date(1990, 2, 28)]), address=maybe(said), bio=maybe(said),
    display_names=few(said), profiles=few(urls), group=maybe(said), city=maybe(said),
    compromised=st.sampled_from([None, True, False]), country=st.sampled_from(["DE", "GB"]),
    third_party=st.sampled_from([None, True, False]), devices=few(owned), notes=maybe(said),
)  # fmt: skip
children = st.builds(Child, account=maybe(ids), screen_name=maybe(said),
                     age=st.one_of(st.none(), st.integers(0, 17)), school=maybe(said),
                     email=st.sampled_from(["", "k@here.example"]), notes=maybe(said))  # fmt: skip
polices = st.one_of(st.just(Police()), st.builds(
    Police, agency=said, number=maybe(said), first_name=maybe(said), phone=maybe(said),
    email=st.sampled_from(["", "p@police.example"]), reported=st.sampled_from([None, True, False]),
    served=st.sampled_from([None, True]), served_abroad=st.sampled_from(["", "FR"]),
))  # fmt: skip
meant = st.builds(
    Recipient, esp_identifier=st.one_of(st.none(), ids), screen_name=st.one_of(st.none(), said),
    intended_recipient_person=st.one_of(st.none(), st.builds(Person, email=few(emails))),
    additional_info=few(said),
)  # fmt: skip
entered = st.builds(
    Entered, urgent=st.one_of(st.just(""), st.just("A child is in danger.")),
    incident_type=st.sampled_from([None, *form.TYPES]), when_words=maybe(said),
    tags=st.one_of(st.none(), tags), where=st.sampled_from([None, *form.WHERES]),
    said=maybe(said), room=maybe(said), where_notes=maybe(said), where_phone=maybe(said),
    hosted_elsewhere=st.sampled_from([None, True, False]), urls=few(urls), emails=few(emails),
    screen_name=maybe(said), ips=few(events_of_ips), priors=few(st.integers(1, 2**63 - 1)),
    associated=few(st.builds(Associated, type=st.sampled_from(["Linked", "Other"]),
                             esp_identifier=ids, screen_name=st.one_of(st.none(), said))),
    someone=somebody, recipients=few(meant), child=children,
    children=few(st.builds(Victim, victim_person=st.builds(Person, age=st.integers(0, 17)),
                           esp_identifier=ids)),
    police=polices, notes=maybe(said),
    batch=st.one_of(st.just(()), st.lists(ids, min_size=1, max_size=3).map(tuple)),
)  # fmt: skip


@pytest.fixture(scope="module")
def xsd(shared: Path) -> bytes:
    return (shared / "standards/ncmec/cybertipline-report.xsd").read_bytes()


@settings(max_examples=250, deadline=None)
@given(facts=cases(), added=entered)
def test_every_filing_passes_schema_and_rules(xsd: bytes, facts: CaseFacts, added: Entered) -> None:
    body = compose(facts, added, WHO, "Here")
    found = check(body, facts.items, facts.views, [xsd], NOW, case="cas_1")
    if body.batch and not facts.items:
        # A batch is about one file: without any the specialist is told so.
        assert [one.rule for one in found] == ["B03"]
    else:
        assert found == []
    assert entered_in(kept(added)) == added
    # What the console shows is what is sent: each statement is there, and has its source.
    shown = stated(body) + stated_of_files(body, facts.items, facts.views)
    assert all(one.source for one in shown)
    assert len(shown) >= 3
    if not body.batch:
        assert_all_is_said(added, " ".join(one.value for one in shown))
    rows = [row for part in sheet(facts, added, WHO, "Here").sections for row in part.rows]
    assert all(row.source for row in rows)
    assert_all_is_said(added, " ".join(row.value for row in rows))


def assert_all_is_said(added: Entered, shown: str) -> None:
    """Nothing that a specialist enters is dropped in silence."""
    some, child, police = added.someone, added.child, added.police
    texts = [added.screen_name, added.notes, added.urgent, added.when_words, some.first_name,
             some.last_name, some.bio, some.group, some.city, some.address, some.notes,
             *some.display_names, *added.urls, *some.profiles, child.school, child.notes,
             child.screen_name, police.agency, police.number, police.first_name]  # fmt: skip
    for text in filter(None, texts):
        assert text in shown
    for one in (*added.ips, *some.devices, *some.phones, *added.emails):
        assert (one.ip_address if isinstance(one, IpEvent) else one.id_value
                if isinstance(one, Device) else one.text) in shown  # fmt: skip


@pytest.mark.parametrize(
    ("field", "line", "again"),
    [
        ("ips", "192.0.2.7 2026-01-02T03:04Z 443 login proxy",
         "192.0.2.7 2026-01-02T03:04:00Z 443 Login proxy"),
        ("ips", "2001:db8::1", "2001:db8::1"),
        ("emails", "a@here.example | verified 2026-01-02T03:04Z",
         "a@here.example | verified 2026-01-02T03:04:00Z"),
        ("emails", "a@here.example", "a@here.example"),
        ("associated", "billing: u-2 | Elsewhere | their name | pays for it",
         "Billing: u-2 | Elsewhere | their name | pays for it"),
        ("associated", "u-2", "Linked: u-2"),
        ("recipients", "| their name | c@here.example", "| their name | c@here.example"),
        ("children", "u-3 | 12 | seen twice", "u-3 | 12 | seen twice"),
        ("someone.phones", "+44 20 7946 0000 | mobile | verified",
         "+44 20 7946 0000 | Mobile | verified"),
        ("someone.devices", "IMEI: 356938035643809 | 2026-01-02T03:04Z | upload",
         "IMEI: 356938035643809 | 2026-01-02T03:04:00Z | Upload"),
        ("priors", "4711", "4711"),
    ],
)  # fmt: skip
def test_a_line_is_shown_as_it_was_entered(field: str, line: str, again: str) -> None:
    bare = CaseFacts(case=CaseRow(id="cas_1", platform="p", platform_name="here", item=None,
                                  account="a", harm="grooming", opened_at=NOW))  # fmt: skip
    first = form.read({field: f"\n {line} \n"}, bare)
    assert form.written(first)[field].strip() == again
    assert form.read({field: form.written(first)[field]}, bare) == first
    assert entered_in(kept(first)) == first


@pytest.mark.parametrize(
    ("field", "line"),
    [("ips", "192.0.2.7 yesterday"), ("emails", "a@here.example | checked"),
     ("someone.phones", "1 | Pager"), ("someone.devices", "a | | Theft"), ("priors", "0"),
     ("recipients", "a | b | c | d | e"), ("someone.country", "GBR"), ("child.age", "old"),
     ("someone.born", "30.2.2001"), ("police.number", "7"), ("urls", "\n".join("x" * 201))],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_the_rest_is_kept(field: str, line: str) -> None:
    bare = CaseFacts(case=CaseRow(id="cas_1", platform="p", platform_name="here", item=None,
                                  account="a", harm="grooming", opened_at=NOW))  # fmt: skip
    sent = {field: line, "notes": "Kept.", "child.school": "Kept, too."}
    with pytest.raises(Problem) as found:
        form.read(sent, bare)
    assert found.value.title
    shown = form.read(sent, bare, lenient=True)
    assert (shown.notes, shown.child.school) == ("Kept.", "Kept, too.")
    assert form.written(shown, sent).get(field, line) == line


def test_a_draft_of_an_earlier_version_is_gone_on_with() -> None:
    old = {"emails": ["a@here.example"], "victim_account": "u-3", "victim_age": 12, "notes": "N"}
    found = entered_in(old)
    assert (found.emails[0].text, found.child.account, found.child.age) == (
        "a@here.example", "u-3", 12)  # fmt: skip


def test_a_public_post_happened_on_a_page_and_a_message_in_a_chat() -> None:
    def kind(visibility: str) -> str | None:
        event = Event(id="e1", kind="post.create", at=NOW, account=Account(id="a"),
                      item=Posted(id="i", url="https://here.example/i"),
                      conversation=Conversation(id="c", visibility=visibility))  # type: ignore[arg-type]  # fmt: skip
        facts = CaseFacts(case=CaseRow(id="cas_1", platform="p", platform_name="here", item="i",
                                       account="a", harm="grooming", opened_at=NOW),
                          seq=1, event=event)  # fmt: skip
        (made,) = compose(facts, Entered(), WHO, "Here").report.internet_details
        return "page" if made.web_page_incident else "chat" if made.chat_im_incident else None

    assert [kind("public"), kind("private")] == ["page", "chat"]


@settings(max_examples=60, deadline=None)
@given(facts=cases(), added=entered)
def test_viewed_comes_from_viewing_alone(facts: CaseFacts, added: Entered) -> None:
    body = compose(facts, added, WHO, "Here")
    for plan in body.files:
        seen = facts.views[plan.item]
        root = parse(document(details(body, plan, facts.items[plan.item], seen, "1", "2")))
        assert root.findtext("fileViewedByEsp") == str(seen.viewed or seen.exif_viewed).lower()
        assert root.findtext("exifViewedByEsp") == str(seen.exif_viewed).lower()


def test_our_own_rules_refuse_what_has_no_source() -> None:
    facts = CaseFacts(case=CaseRow(id="cas_1", platform="p", platform_name="here", item=None,
                                   account="a", harm="grooming", opened_at=NOW),
                      items={"evi_0": item(0, "a")}, views={"evi_0": Viewing("evi_0")})  # fmt: skip
    good = compose(facts, Entered(), WHO, "Here")
    bare = Body(report=good.report, files=good.files)
    rules = {one.rule for one in check(bare, facts.items, facts.views, [], NOW, case="cas_1")}
    assert rules == {"O1"}
    assert {one.rule for one in check(good, {}, {}, [], NOW, case="cas_1")} == {"O2"}
    strange = check(good, facts.items, facts.views, [], NOW, case="cas_2")
    assert {one.rule for one in strange} == {"O2"}
    twice = Body(report=good.report, files=good.files * 2, sources=good.sources)
    assert {one.rule for one in check(twice, facts.items, facts.views, [], NOW, case="cas_1")} == {
        "O4"
    }


def test_tags_are_true_or_absent() -> None:
    text = document(compose(
        CaseFacts(case=CaseRow(id="c", platform="p", platform_name="h", item=None, account="a",
                               harm="sextortion.minor", opened_at=NOW)),
        Entered(), WHO, "Here").report)  # fmt: skip
    assert b"<reportAnnotations><sextortion>true</sextortion></reportAnnotations>" in text
    assert b"false" not in text
    assert FileTags().viral is None
