"""Trusted flaggers, reports without ground, and pictures sent along; over HTTP where it counts."""

from datetime import timedelta
from typing import Any

import pytest
from api_scene import town_on
from decisions_scene import judged, rules, sent, task_of
from line_receiver import receiving
from line_scene import OPERATOR, Scene

from openhaven import intake, transparency
from openhaven.core import Problem
from openhaven.intake.conduct import slower
from openhaven.intake.flaggers import flaggers, issue
from openhaven.intake.reports.actions import warned
from openhaven.intake.reports.files import file_of
from openhaven.line import Haven

PNG = b"\x89PNG\r\n\x1a\n" + b"placeholder"


def reported(here: Scene, item: str, category: str = "scam", **values: Any) -> str:
    about = intake.Report(subject=intake.ReportSubject(item=item), category=category,
                          **({"reporter": "busy"} | values.pop("by", {})))  # fmt: skip
    with here.haven.db.begin(OPERATOR) as tx:
        receipt = intake.accept_report(tx, here.platform, about, **values)
    here.work()
    return receipt


def without_ground(here: Scene, who: Any, times: int) -> list[str]:
    """Let the busy reporter report harmless posts, each of which is then left as it is."""
    receipts = []
    for _ in range(times):
        body = sent(here, "What a nice day")
        receipts.append(reported(here, body["item"]["id"]))
        [task] = here.rows("SELECT id FROM tasks WHERE state = 'open' AND kind = 'review'")
        judged(here, who, task["id"], "allow")
    return receipts


def test_who_reports_without_ground_is_warned_first_then_slower_never_for_children(
    here: Scene,
) -> None:
    rules(here)
    ana = here.reviewer("ana")
    receipts = without_ground(here, ana, 6)
    with here.haven.db.read() as tx:
        assert [warned(tx, one) for one in receipts] == [False] * 5 + [True]
    without_ground(here, ana, 3)
    for category, slow in (("scam", True), ("csam.known", False), ("suicide", False)):
        body = sent(here, "What a nice day")
        reported(here, body["item"]["id"], category)
        sql = "SELECT due_at - opened_at AS time, severity FROM tasks WHERE state = 'open'"
        task = here.rows(sql + " ORDER BY opened_at DESC LIMIT 1")[0]
        usual = {2: timedelta(days=2), 4: timedelta(hours=1)}[task["severity"]]
        assert task["time"] == usual * (2 if slow else 1), category
    assert not slower("grooming")
    assert not slower("underage_account")


def test_an_address_in_the_form_warns_nobody_since_it_may_be_somebody_elses(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    by = {"reporter": None, "contact": "somebody@example.org"}
    for _ in range(6):
        body = sent(here, "What a nice day")
        receipt = reported(here, body["item"]["id"], by=by)
        [task] = here.rows("SELECT id FROM tasks WHERE state = 'open' AND kind = 'review'")
        judged(here, ana, task["id"], "allow")
    with here.haven.db.read() as tx:
        assert not warned(tx, receipt)
    assert here.rows("SELECT 1 AS one FROM reporter_warnings") == []


def test_who_was_right_half_of_the_time_is_never_warned(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    without_ground(here, ana, 3)
    for _ in range(2):
        body = sent(here)
        receipt = reported(here, body["item"]["id"])
        judged(here, ana, task_of(here, body), "remove")
    without_ground(here, ana, 2)
    with here.haven.db.read() as tx:
        assert not warned(tx, receipt)
    assert here.rows("SELECT 1 AS one FROM reporter_warnings") == []


# Trusted flaggers -----------------------------------------------------------------------------


def test_a_flagger_reports_its_harms_only_and_first(haven: Haven) -> None:
    with receiving() as receiver, town_on(haven, receiver) as town:
        with haven.db.begin(OPERATOR) as tx:
            key = issue(tx, "Harbour Watch", intake.platform_named(tx, "here"), ["scam", "hate"])
            assert flaggers(tx)[0].harms == ("hate", "scam")
        body = {"subject": {"item": "i1"}, "category": "scam"}
        assert town.ask("POST", "/v1/reports", body, key=key).status == 201
        other = {**body, "category": "csam.known"}
        assert town.ask("POST", "/v1/reports", other, key=key).status == 403
        assert town.send({}, key=key).status == 403
        assert town.ask("GET", "/v1/policy", key=key).status == 403
        town.work()
        assert town.rows("SELECT share FROM tasks")[0]["share"] <= 0.5
        with haven.db.begin(OPERATOR) as tx:
            intake.revoke_key(tx, "Harbour Watch")
        kinds = {row["kind"] for row in town.rows("SELECT kind FROM ledger_entries")}
        assert {"key.created", "flagger.named", "key.revoked"} <= kinds


def test_how_often_a_flagger_was_right_is_published(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    with here.haven.db.begin(OPERATOR) as tx:
        issue(tx, "Harbour Watch", intake.platform_named(tx, "here"), ["hate"])
        [flagger] = flaggers(tx)
    for outcome in ["remove"] * 6 + ["allow"] * 6:
        body = sent(here)
        reported(here, body["item"]["id"], "hate", flagger=flagger.id)
        judged(here, ana, task_of(here, body), outcome)
    with here.haven.db.read() as tx:
        [one] = transparency.figures(tx, "Harbour").flaggers
    assert (one.name, one.decided, one.precision) == ("Harbour Watch", 12, 0.5)
    assert here.rows("SELECT DISTINCT source FROM decisions") == [{"source": "trusted_flagger"}]


# Pictures -------------------------------------------------------------------------------------


def test_pictures_are_sealed_and_never_taken_where_they_may_be_a_crime(here: Scene) -> None:
    rules(here)
    item = sent(here)["item"]["id"]
    reported(here, item, "scam", files=[PNG, PNG])
    [kept] = here.rows("SELECT id, body, type FROM report_files")
    assert kept["type"] == "image/png"
    assert PNG not in bytes(kept["body"])
    with here.haven.db.read() as tx:
        assert file_of(tx, kept["id"])[1] == PNG
    before = here.rows("SELECT count(*) AS n FROM reports")
    for category in ("csam.known", "ncii", "sextortion.minor"):
        with pytest.raises(Problem, match="no pictures"):
            reported(here, item, category, files=[PNG])
    with pytest.raises(Problem, match="no picture that"):
        reported(here, item, "scam", files=[b"<script>"])
    with pytest.raises(Problem, match="three"):
        reported(here, item, "scam", files=[PNG] * 4)
    assert here.rows("SELECT count(*) AS n FROM reports") == before
