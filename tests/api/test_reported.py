"""A report that a platform sends as an event says what it is about."""

from api_scene import Town, body


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
