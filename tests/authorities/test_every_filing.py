"""Whatever a case holds, the report made of it fits the schema and the rules, and is sourced."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filing_scene import WHO
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.authorities.cybertip import Entered, check, compose, entered_in, kept
from openhaven.authorities.cybertip.body import Body, details
from openhaven.authorities.cybertip.compose import TYPES
from openhaven.authorities.cybertip.model import Associated, FileTags, ReportTags
from openhaven.authorities.cybertip.parts import IpEvent
from openhaven.authorities.cybertip.xml import document, parse
from openhaven.authorities.facts import CaseFacts, CaseRow, Disabled, Prior
from openhaven.authorities.plain import stated
from openhaven.evidence import Item, Viewing
from openhaven.evidence.model import Look
from openhaven.intake import Account, Conversation, Device, Event
from openhaven.intake import Item as Posted

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
        device=draw(st.one_of(st.none(), ids.map(lambda one: Device(id=one)))), context=said,
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
entered = st.builds(
    Entered, urgent=st.one_of(st.just(""), st.just("A child is in danger.")),
    tags=st.one_of(st.none(), tags),
    where=st.sampled_from([None, "chat", "web", "game"]), said=words, room=words,
    screen_name=words, ips=st.lists(st.builds(IpEvent, ip_address=addresses, port=ports,
                                              date_time=past), max_size=2).map(tuple),
    associated=st.lists(st.builds(Associated, type=st.just("Linked"), esp_identifier=ids),
                        max_size=2).map(tuple),
    victim_age=st.one_of(st.none(), st.integers(0, 17)), notes=words,
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
    said = stated(body)
    assert all(one.source for one in said)
    assert len(said) >= 3


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
