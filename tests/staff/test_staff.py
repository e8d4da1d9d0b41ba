"""Who works here: links that work once, sessions that end, and entries for each step."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from openhaven import staff
from openhaven.core import Actor, Problem
from openhaven.staff.commands import staff as commands
from openhaven.staff.model import check_name, check_roles
from openhaven.storage import Database, Settings

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
ME = Actor("system", "test")
ROLES = ("moderator", "appeals")


class House:
    """What the command line gives to the verbs of staff."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.settings = Settings()


def add(db: Database, name: str = "Ada", roles: tuple[str, ...] = ROLES) -> staff.Member:
    with db.begin(ME, NOW) as tx:
        return staff.create(tx, name, roles)


def link(db: Database, member: staff.Member, now: datetime = NOW) -> str:
    with db.begin(ME, now) as tx:
        return staff.sign_in_link(tx, member).removeprefix("/sign-in/")


def enter(db: Database, token: str, now: datetime = NOW, former: str = "") -> str:
    with db.begin(ME, now) as tx:
        return staff.sign_in(tx, token, former)[1]


def who(db: Database, secret: str, now: datetime = NOW) -> str | None:
    with db.begin(ME, now) as tx:
        found = staff.session(tx, secret)
    return found.member.name if found else None


def kinds(db: Database) -> list[str]:
    with db.read() as tx:
        return [row["kind"] for row in tx.rows("SELECT kind FROM ledger_entries ORDER BY id")]


def test_the_way_in_and_out(db: Database) -> None:
    member = add(db)
    secret = enter(db, link(db, member))
    assert who(db, secret) == "Ada"
    with db.begin(member.actor, NOW) as tx:
        staff.sign_out(tx, secret)
    assert who(db, secret) is None
    steps = ["staff.created", "staff.link", "staff.signed_in", "staff.signed_out"]
    assert sorted(kinds(db)) == steps


def test_a_link_works_once_and_not_for_long(db: Database) -> None:
    member = add(db)
    token = link(db, member)
    with db.read(NOW) as tx:
        assert staff.link_works(tx, token)
        assert not staff.link_works(tx, token + "x")
    enter(db, token)
    late = link(db, member)
    for dead, now in ((token, NOW), (late, NOW + staff.LINK_LIFE), ("", NOW), ("é\U0001f600", NOW)):
        with pytest.raises(Problem) as caught:
            enter(db, dead, now)
        assert caught.value.status == 410


def test_a_newer_link_ends_the_older_one(db: Database) -> None:
    member = add(db)
    older, newer = link(db, member), link(db, member)
    with pytest.raises(Problem):
        enter(db, older, NOW + timedelta(seconds=1))
    assert enter(db, newer, NOW + timedelta(seconds=1))


def test_who_worked_here_before_is_told_who_made_a_link_for_them(db: Database) -> None:
    """So that nobody is a colleague, and a second person, unseen."""
    ada, boss = add(db), add(db, "Boss", ("administrator",))
    secret = enter(db, link(db, ada))
    later = NOW + timedelta(hours=2)
    with db.begin(ME, later) as tx:
        found = staff.session(tx, secret)
        assert found is not None
        assert found.linked_by is None
    with db.begin(boss.actor, later) as tx:
        staff.sign_in_link(tx, ada)
    with db.begin(ME, later) as tx:
        found = staff.session(tx, secret)
        assert found is not None
        assert found.linked_by == "Boss"


def test_two_who_press_the_button_at_once(db: Database) -> None:
    token = link(db, add(db))

    def press(_: int) -> bool:
        try:
            return bool(enter(db, token))
        except Problem:
            return False

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(press, range(6))) == [False] * 5 + [True]


def test_a_session_idles_out_and_ends_after_a_day(db: Database) -> None:
    secret = enter(db, link(db, add(db)))
    hour = timedelta(hours=1)
    assert who(db, secret, NOW + 7 * hour) == "Ada"
    assert who(db, secret, NOW + 14 * hour) == "Ada"
    assert who(db, secret, NOW + 22 * hour) is None
    again = enter(db, link(db, add(db, "Ben")))
    for hours in (6, 12, 18, 23):
        assert who(db, again, NOW + hours * hour) == "Ben"
    assert who(db, again, NOW + 24 * hour) is None


def test_signing_in_again_ends_the_browser_s_former_session(db: Database) -> None:
    member = add(db)
    first = enter(db, link(db, member))
    second = enter(db, link(db, member), former=first)
    assert (who(db, first), who(db, second)) == (None, "Ada")


def test_who_leaves_is_out_at_once(db: Database) -> None:
    member = add(db)
    secret, unused = enter(db, link(db, member)), link(db, member)
    with db.begin(ME, NOW) as tx:
        staff.disable(tx, member)
        staff.disable(tx, staff.named(tx, member.id))
    assert who(db, secret) is None
    with pytest.raises(Problem):
        enter(db, unused)
    with pytest.raises(Problem) as caught, db.begin(ME, NOW) as tx:
        staff.sign_in_link(tx, staff.named(tx, "Ada"))
    assert caught.value.code == "staff.disabled"
    assert kinds(db).count("staff.disabled") == 1


def test_other_roles_end_sessions(db: Database) -> None:
    member = add(db)
    secret = enter(db, link(db, member))
    with db.begin(ME, NOW) as tx:
        staff.set_roles(tx, member, ("auditor",))
    assert who(db, secret) is None
    with db.read() as tx:
        assert staff.named(tx, "Ada").roles == ("auditor",)


def test_a_copy_of_the_database_lets_nobody_in(db: Database) -> None:
    token = link(db, add(db))
    secret = enter(db, token)
    with db.read() as tx:
        kept = str(tx.rows("SELECT * FROM sign_in_links")) + str(tx.rows("SELECT * FROM sessions"))
        log = str(tx.rows("SELECT * FROM ledger_entries"))
    for hidden in (token, secret):
        assert hidden not in kept + log
    assert "Ada" not in log


def test_names_and_roles(db: Database) -> None:
    assert add(db, "  Zoë 1 ").name == "Zoë 1"
    for name in ("", " ", "a\nb", "x" * 81, "a\x00b"):
        with pytest.raises(Problem):
            check_name(name)
    with pytest.raises(Problem) as caught:
        add(db, "Zoë 1")
    assert caught.value.status == 409
    with pytest.raises(Problem) as caught:
        add(db, "Cem", ("moderator", "king"))
    assert "king" in caught.value.title
    with pytest.raises(Problem) as caught, db.read() as tx:
        staff.named(tx, "Nobody")
    assert caught.value.status == 404


@given(st.lists(st.sampled_from(["moderator", "appeals", "auditor", "administrator"])))
def test_roles_are_a_set(roles: list[str]) -> None:
    assert set(check_roles(tuple(roles))) == set(roles)
    assert check_roles(check_roles(tuple(roles))) == check_roles(tuple(roles))


def run(db: Database, *argv: str) -> Result:
    return CliRunner().invoke(commands, argv, obj=House(db))


def test_the_commands(db: Database) -> None:
    added = run(db, "add", "Ada", "--role", "moderator", "--role", "appeals")
    assert added.exit_code == 0
    url = added.output.strip()
    assert url.startswith("http://127.0.0.1:8700/sign-in/")
    again = run(db, "link", "Ada", "--minutes", "60").output.strip()
    assert again != url
    with db.begin(ME) as tx:
        member, _ = staff.sign_in(tx, again.rpartition("/")[2])
    assert member.roles == ("appeals", "moderator")
    assert run(db, "roles", "Ada", "--role", "auditor").output == "Ada: auditor\n"
    assert "Ada\tauditor\tsince 20" in run(db, "list").output
    assert run(db, "disable", "Ada").exit_code == 0
    assert ", left 20" in run(db, "list").output
    assert run(db, "add", "Ben").exit_code == 2
    assert run(db, "add", "Ben", "--role", "king").exit_code == 2
    assert isinstance(run(db, "link", "Nobody").exception, Problem)


def test_a_name_like_an_id_takes_nobodys_place(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        ana = staff.create(tx, "ana", ("administrator",))
        eve = staff.create(tx, ana.id, ("moderator",))
        # Whatever was written last stands last in the table.
        tx.run("UPDATE staff SET name = name WHERE id = %(id)s AND name = 'ana'", id=ana.id)
        assert staff.named(tx, ana.id).id == ana.id
        assert staff.named(tx, eve.id).id == eve.id
