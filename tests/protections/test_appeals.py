"""An age that is wrong is appealed, and a person says what counts: both ways round."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from protection_scene import Asker, asking, question

from openhaven import records
from openhaven.core import Actor, Problem, utcnow
from openhaven.protections import appeals
from openhaven.storage.settings import Retention

if TYPE_CHECKING:
    from openhaven.line import Haven

ONE, TWO, THREE = (Actor("staff", f"stf_{name}", ("appeals",)) for name in "abc")
ADMIN = Actor("staff", "stf_d", ("administrator",))


@pytest.fixture
def asker(haven: "Haven") -> Iterator[Asker]:
    with asking(haven) as found:
        yield found


def send(asker: Asker, account: str, band: str, text: str = "You have it wrong.") -> dict:
    path = f"/v1/protections/{account}/age/appeals"
    headers = {"authorization": f"Bearer {asker.scene.key}"}
    return asker.place.post_json(path, {"band": band, "text": text}, **headers)


def decide(asker: Asker, made: str, band: str | None, who: Actor = ONE) -> str:
    haven = asker.scene.haven
    with haven.db.begin(who) as tx:
        found = appeals.decide(tx, haven.protections.defaults, made, band, "We looked.")  # type: ignore[arg-type]
        account = appeals.appeal_of(tx, made)
    haven.protections.snapshot.forget(account.platform, account.account)
    return found.band


@pytest.mark.parametrize(("taken", "says", "before", "after"), [
    ("13-15", "18-plus", "deny", "allow"), ("18-plus", "13-15", "allow", "deny"),
])  # fmt: skip
def test_who_is_taken_for_another_age_is_heard(
    asker: Asker, taken: str, says: str, before: str, after: str
) -> None:
    asker.age("one", taken, "estimate")
    ad = question("ad.profiled", None, "one")
    assert asker.check(ad).json["answer"] == before
    made = send(asker, "one", says)
    assert (made.status, made.json["state"]) == (201, "open")
    # Nothing changes until a person has looked: neither word of one's own is believed at once.
    assert asker.check(ad).json["answer"] == before
    assert decide(asker, made.json["id"], says) == says
    assert asker.check(ad).json["answer"] == after
    shown = asker.get("one").json
    assert (shown["age"]["source"], shown["age"]["band"]) == ("reviewer", says)
    assert shown["appeal_url"].rpartition("/")[2]
    # The reviewer's word wins over what a source says later.
    assert asker.age("one", taken, "estimate").json["band"] == says
    told = asker.place.ask("GET", "/v1/protections/one/age/appeals",
                           headers={"authorization": f"Bearer {asker.scene.key}"}).json  # fmt: skip
    assert [(one["state"], one["decided_band"], one["reasons"]) for one in told] == [
        ("granted", says, "We looked.")
    ]


def test_of_reviewers_the_last_counts_and_is_another_person(asker: Asker) -> None:
    asker.age("one", "18-plus")
    first = send(asker, "one", "16-17").json["id"]
    assert decide(asker, first, "13-15") == "13-15"
    second = send(asker, "one", "18-plus").json["id"]
    with pytest.raises(Problem) as barred:
        decide(asker, second, "18-plus")
    assert barred.value.code == "age_appeal.barred"
    assert decide(asker, second, "18-plus", TWO) == "18-plus"
    assert send(asker, "one", "13-15").json["code"] == "age_appeal.often"


def test_what_stays_stays_and_is_decided_once(asker: Asker) -> None:
    asker.age("kid", "13-15", "estimate")
    made = send(asker, "kid", "18-plus").json["id"]
    assert send(asker, "kid", "18-plus").json["code"] == "age_appeal.twice"
    with pytest.raises(Problem) as forbidden:
        decide(asker, made, "18-plus", ADMIN)
    assert forbidden.value.status == 403
    assert decide(asker, made, None) == "13-15"
    with pytest.raises(Problem) as again:
        decide(asker, made, "18-plus", TWO)
    assert again.value.code == "age_appeal.done"


@pytest.mark.parametrize(("band", "text"), [
    ("unknown", "why"), ("18-plus", "  "), ("18-plus", "x" * 2_001), ("200", "why"),
])  # fmt: skip
def test_appeals_that_cannot_be_meant(asker: Asker, band: str, text: str) -> None:
    assert send(asker, "kid", band, text).status == 400
    assert asker.scene.rows("SELECT 1 FROM age_appeals") == []


def test_the_ledger_says_neither_who_nor_how_old(asker: Asker) -> None:
    made = send(asker, "kid", "18-plus", "a word of my own").json["id"]
    decide(asker, made, "16-17")
    rows = asker.scene.rows("""SELECT kind, ids::text AS ids FROM ledger_entries
                               WHERE kind LIKE 'age_appeal.%%' ORDER BY at, id""")  # fmt: skip
    assert [row["kind"] for row in rows] == ["age_appeal.received", "age_appeal.granted"]
    assert all("kid" not in row["ids"] and "1" not in row["ids"].replace(made, "") for row in rows)
    (kept,) = asker.scene.rows("SELECT body, reasons FROM age_appeals")
    assert b"word" not in bytes(kept["body"])
    assert b"looked" not in bytes(kept["reasons"])


def test_erasing_a_person_ends_the_appeal_and_time_forgets_its_words(asker: Asker) -> None:
    haven = asker.scene.haven
    for account in ("kid", "other"):
        made = send(asker, account, "18-plus").json["id"]
        decide(asker, made, None)
    later = utcnow() + timedelta(days=4_000)
    with haven.db.begin(asker.scene.actor, later) as tx:
        records.forget(tx, "matters", Retention())
    assert asker.scene.rows("SELECT 1 FROM age_appeals WHERE body IS NOT NULL") == []
    with haven.db.begin(asker.scene.actor) as tx:
        records.erase(tx, asker.scene.platform, "kid")
    assert len(asker.scene.rows("SELECT 1 FROM age_appeals")) == 1


def test_what_protects_is_not_forgotten_with_the_events(asker: Asker) -> None:
    """An account that only ever asks keeps the age that was found out for it, while it counts."""
    haven = asker.scene.haven
    asker.age("kid", "13-15", "estimate")
    asker.age("gone", "18-plus", "declared")
    for days, left in ((200, {"kid"}), (2_000, set())):
        later = utcnow() + timedelta(days=days)
        with haven.db.begin(asker.scene.actor, later) as tx:
            records.forget(tx, "accounts", Retention(events=100))
        assert {row["id"] for row in asker.scene.rows("SELECT id FROM accounts")} == left
