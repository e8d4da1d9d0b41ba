"""A report that a platform sends as an event says what it is about."""

from concurrent.futures import ThreadPoolExecutor

from api_scene import Town, body, name


def test_a_report_about_nobody_is_refused_and_never_falls_on_who_sent_it(town: Town) -> None:
    sent = body(kind="report.create", item=None, context={"category": "spam"})
    for target in (None, {}):
        reply = town.send(sent | {"target": target})
        assert (reply.status, reply.json["code"]) == (400, "report.subject")
        assert "`$.target`" in reply.json["detail"]
    for target in ({"account": {"id": "a-2"}}, {"item": {"id": "i-2"}}):
        assert town.send(body(kind="report.create", item=None, target=target)).status == 202
    town.work()
    accounts = town.rows("SELECT account FROM cases WHERE account = %(a)s", a=sent["account"]["id"])
    assert accounts == []


def test_a_report_that_is_sent_again_is_the_same_report(town: Town) -> None:
    report = {"id": name("r"), "subject": {"item": name("i")}, "category": "spam", "text": "again"}
    with ThreadPoolExecutor(4) as senders:
        replies = list(senders.map(lambda _: town.ask("POST", "/v1/reports", report), range(8)))
    assert {reply.status for reply in replies} == {201}
    [receipt] = {reply.json["receipt"] for reply in replies}
    stored = "SELECT count(*) AS n FROM reports WHERE item = %(i)s"
    assert town.rows(stored, i=report["subject"]["item"]) == [{"n": 1}]
    other = town.ask("POST", "/v1/reports", report | {"text": "something else"})
    assert (other.status, other.json["code"]) == (409, "report.conflict")
    del report["id"]
    assert town.ask("POST", "/v1/reports", report).json["receipt"] != receipt
