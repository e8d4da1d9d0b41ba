"""Verbs of the network: look, look further, name somebody, keep it as evidence, forget it."""

from collections.abc import Iterable

import msgspec

from openhaven import evidence, ledger
from openhaven.authorities.network import store
from openhaven.authorities.network.drawing import draw
from openhaven.authorities.network.model import CASE, KEPT, Graph, Known, Person, Work, steps
from openhaven.authorities.network.store import KIND, Network
from openhaven.core import Problem, new_id, permits
from openhaven.evidence import Item, Vault
from openhaven.review import lane
from openhaven.staff import approvals
from openhaven.staff.approvals.model import said
from openhaven.storage import Tx

CHANNEL = "network"


def look(tx: Tx, case: str) -> str:
    """Ask for the accounts that are one step from that of a case; return the look's id.

    Asked anew, it is looked anew; accounts keep their numbers. Raises `Problem`: 403, 404, and 409
    while it is being looked, or when the case is about no account.
    """
    _require(tx, case)
    begin = store.start(tx, case)
    network = store.living(tx, case) or _begin(tx, case, begin.platform)
    # Always the network first, as the worker and an erasure do: so nobody waits in a ring.
    tx.run("SELECT 1 FROM networks WHERE id = %(n)s FOR UPDATE", n=network.id)
    sql = """SELECT state FROM network_looks WHERE network = %(n)s AND origin = %(o)s
             AND state IN ('waiting', 'looking', 'done')"""
    state = tx.value(sql, n=network.id, o=CASE)
    if state == "looking":
        raise Problem("network.looking", "It is being looked for already.", status=409,
                      next_step="Look at this page again in a moment.")  # fmt: skip
    sql = "UPDATE network_looks SET state = 'ended' WHERE network = %(n)s AND origin = %(o)s"
    tx.run(sql, n=network.id, o=CASE)
    return _ask(tx, network, CASE, "", second=False)


def _begin(tx: Tx, case: str, platform: str) -> Network:
    sql = """INSERT INTO networks (id, case_id, platform, made_at, kept_until)
             VALUES (%(id)s, %(c)s, %(p)s, %(now)s, %(until)s)
             ON CONFLICT (case_id) WHERE ended_at IS NULL DO NOTHING"""
    tx.run(sql, id=new_id("net"), c=case, p=platform, now=tx.now, until=tx.now + KEPT)
    found = store.living(tx, case)
    if found is None:
        raise LookupError("the network that was just begun is not there")
    return found


def _ask(tx: Tx, network: Network, origin: int, reason: str, *, second: bool) -> str:
    made = new_id("nlk")
    sealed = tx.keys.seal(made, reason.encode()) if reason else None
    tx.run(
        """INSERT INTO network_looks (id, network, origin, reason, second, asked_by,
             asked_at, state)
           VALUES (%(id)s, %(n)s, %(o)s, %(r)s, %(second)s, %(me)s, %(now)s, %(state)s)""",
        id=made, n=network.id, o=origin, r=sealed, second=second, me=tx.actor.id, now=tx.now,
        state="waiting" if second else "looking",
    )  # fmt: skip
    ids = {"case": network.case_id, "look": made}
    ledger.append(tx, "network.asked", ids, row=("network_looks", made))
    tx.wake(CHANNEL)
    return made


def further(tx: Tx, case: str, number: int, reason: str) -> str:
    """Ask for one step more, from an account that is tied to that of the case; return the look.

    In the lane a second person has to agree before anything is looked for. Raises `Problem`: 403,
    404 for a number that is not shown, 409 for a child's account, one step too far, or twice.
    """
    _require(tx, case)
    words = said(reason)
    network, person = _shown(tx, case, number)
    tx.run("SELECT 1 FROM networks WHERE id = %(n)s FOR UPDATE", n=network.id)
    if person.step != 1:
        raise Problem("network.far", "Nobody looks further than two steps.", status=409)
    if person.child or person.gone:
        raise Problem("network.child", "From this account nobody looks further.",
                      "It is a child's, or it is no longer there.", status=409)  # fmt: skip
    sql = """SELECT 1 FROM network_looks WHERE network = %(n)s AND origin = %(o)s
             AND state IN ('waiting', 'looking', 'done')"""
    if tx.value(sql, n=network.id, o=number):
        raise Problem("network.asked", "This was asked for already.", status=409,
                      next_step="See it among what was asked.")  # fmt: skip
    second = lane.in_lane(tx, case)
    made = _ask(tx, network, number, words, second=second)
    if second:
        approvals.ask(tx, KIND, made, words)
    return made


def _shown(tx: Tx, case: str, number: int) -> tuple[Network, Person]:
    network = store.living(tx, case)
    person = next((one for one in store.view(tx, case).people if one.number == number), None)
    if network is None or person is None:
        raise Problem("network.number", "There is no such account in this network.", status=404)
    return network, person


def name(tx: Tx, case: str, number: int, reason: str) -> None:
    """Show an account by its name from now on, for a reason; raises `Problem`: 403, 404, 409."""
    _require(tx, case)
    words = said(reason)
    network, person = _shown(tx, case, number)
    if person.gone or person.name:
        raise Problem("network.named", "It is named already, or no longer there.", status=409)
    made = new_id("nnm")
    sql = """INSERT INTO network_names (id, network, number, reason, named_by, named_at)
             VALUES (%(id)s, %(n)s, %(number)s, %(r)s, %(me)s, %(now)s)
             ON CONFLICT (network, number) DO NOTHING"""
    sealed = tx.keys.seal(made, words.encode())
    if tx.run(sql, id=made, n=network.id, number=number, r=sealed, me=tx.actor.id, now=tx.now):
        ids = {"case": case, "naming": made}
        ledger.append(tx, "network.named", ids, row=("network_names", made))


def keep(vault: Vault, tx: Tx, case: str) -> tuple[Item, Item]:
    """Seal the network as it is shown now as evidence of the case: its data, and its picture.

    It is made from the first sealed item of the case, where there is one. Raises `Problem`: 403,
    409 when nothing was found yet.
    """
    _require(tx, case)
    found = store.view(tx, case)
    if not found.people:
        raise Problem("network.empty", "Nothing was found yet that could be kept.", status=409)
    parent = next((one.id for one in evidence.items(tx, case)
                   if one.destroyed_at is None and one.kind != "derived"), None)  # fmt: skip
    made = [
        evidence.receive(vault, tx, case, kind="derived", source=f"the network of {case}",
                         method="made from the events that are kept here", data=data,
                         media_type=kind, name=called, parent=parent)
        for called, kind, data in (
            ("network.json", "application/json", msgspec.json.encode(found)),
            ("network.svg", "image/svg+xml", draw(found, alone=True).encode()),
        )
    ]  # fmt: skip
    return made[0], made[1]


def _require(tx: Tx, case: str) -> None:
    """Raise `Problem` 403 unless the actor may look at networks, and at this case."""
    sql = "SELECT roles FROM staff WHERE id = %(me)s AND disabled_at IS NULL FOR SHARE"
    mine = tx.value(sql, me=tx.actor.id) if tx.actor.kind == "staff" else ()
    roles = (*(mine or ()), *(one for one in tx.actor.roles if one.startswith("taken:")))
    if not permits(roles, "network.work"):
        raise Problem("permission", "Your role does not look at who is tied to a case.", status=403,
                      next_step="Ask a senior or a specialist.")  # fmt: skip
    if lane.in_lane(tx, case) and not permits(roles, "lane.work"):
        raise lane.closed()


# What the worker does --------------------------------------------------------------------------


def settle(tx: Tx) -> int:
    """Begin what a second person agreed to, and end what was refused; return how many."""
    moved = _not_alone(tx)
    sql = "SELECT id FROM network_looks WHERE state = 'waiting' ORDER BY id FOR UPDATE SKIP LOCKED"
    for row in tx.rows(sql):
        answer = approvals.state_of(tx, KIND, str(row["id"]))
        if answer == "waiting":
            continue
        state = "looking" if answer in ("approved", "alone") else "refused"
        tx.run("UPDATE network_looks SET state = %(s)s WHERE id = %(id)s", s=state, id=row["id"])
        moved += 1
    return moved


def _not_alone(tx: Tx) -> int:
    """End what one person asked alone in cases that entered the lane since: it is asked anew."""
    sql = """SELECT l.id FROM network_looks l JOIN networks n ON n.id = l.network
               JOIN cases c ON c.id = n.case_id
             WHERE l.state IN ('looking', 'done') AND l.origin > 0 AND NOT l.second
               AND c.lane_at IS NOT NULL ORDER BY l.id FOR UPDATE OF l SKIP LOCKED"""
    ids = [str(row["id"]) for row in tx.rows(sql)]
    sql = "UPDATE network_looks SET state = 'refused', work = NULL WHERE id = ANY(%(ids)s)"
    return tx.run(sql, ids=ids) if ids else 0


def remember(tx: Tx, look_id: str, network: str, work: Work, place: int, looked: int) -> None:
    """Keep how far a look is, so that it goes on there after a crash."""
    sealed = tx.keys.seal(network, msgspec.json.encode(work))
    tx.run(
        """UPDATE network_looks SET work = %(w)s, place = %(at)s, looked = looked + %(n)s
           WHERE id = %(id)s""",
        w=sealed, at=place, n=looked, id=look_id,
    )  # fmt: skip


def found(tx: Tx, network: Network, look_id: str, graph: Graph) -> None:
    """Store what a look has found, and end it."""
    tx.run(
        """UPDATE networks SET graph = %(g)s, kept_until = %(until)s WHERE id = %(n)s""",
        g=tx.keys.seal(network.id, msgspec.json.encode(graph)), until=tx.now + KEPT, n=network.id,
    )  # fmt: skip
    tx.run("""UPDATE network_looks SET state = 'done', work = NULL, done_at = %(now)s
              WHERE id = %(id)s""", now=tx.now, id=look_id)  # fmt: skip
    ledger.append(tx, "network.found", {"case": network.case_id, "look": look_id})
    tx.wake("console")


# Forgetting ------------------------------------------------------------------------------------


def expire(tx: Tx) -> int:
    """Forget networks whose time is over; return how many. What was sealed as evidence stays."""
    sql = """SELECT id FROM networks WHERE ended_at IS NULL AND kept_until <= %(now)s
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    over = [str(row["id"]) for row in tx.rows(sql, now=tx.now)]
    for network in over:
        _end(tx, network)
    return len(over)


def _end(tx: Tx, network: str) -> None:
    sql = """UPDATE networks SET graph = NULL, ended_at = %(now)s
             WHERE id = %(n)s AND ended_at IS NULL"""
    if not tx.run(sql, now=tx.now, n=network):
        return
    tx.run("""UPDATE network_looks SET state = 'ended', work = NULL
              WHERE network = %(n)s AND state <> 'refused'""", n=network)  # fmt: skip
    tx.keys.destroy(network)
    ledger.append(tx, "network.ended", {"network": network})


def forget_account(tx: Tx, platform: str, account: str, cases: Iterable[str]) -> None:
    """Forget an account wherever it is tied to somebody, and the networks of its own `cases`."""
    sql = "SELECT id FROM networks WHERE case_id = ANY(%(c)s) ORDER BY id FOR UPDATE"
    for network in [str(row["id"]) for row in tx.rows(sql, c=list(cases))]:
        _forget_words(tx, network)
        _end(tx, network)
    sql = """SELECT id, case_id, platform, graph, made_at, kept_until FROM networks
             WHERE platform = %(p)s AND ended_at IS NULL ORDER BY id FOR UPDATE"""
    for one in tx.all(sql, Network, p=platform):
        _without(tx, one, account)


def _forget_words(tx: Tx, network: str) -> None:
    """Destroy the keys of the reasons that were given about a network."""
    sql = """SELECT id FROM network_looks WHERE network = %(n)s
             UNION ALL SELECT id FROM network_names WHERE network = %(n)s"""
    asked = [str(row["id"]) for row in tx.rows(sql, n=network)]
    for one in asked:
        tx.keys.destroy(one)
    approvals.forget(tx, asked)


def _without(tx: Tx, network: Network, account: str) -> None:
    graph = store.graph_of(tx, network)
    if graph.accounts.get(CASE) and graph.accounts[CASE].account == account:
        _forget_words(tx, network.id)
        _end(tx, network.id)
        return
    graph.forgotten = sorted({*graph.forgotten, store.digest_of(tx, account)})
    numbers = {number for number, one in graph.accounts.items() if one.account == account}
    graph.ties = [one for one in graph.ties if not {one.origin, one.other} & numbers]
    # The number stays taken, so that nobody else is ever shown by it.
    graph.accounts |= {number: Known("") for number in numbers}
    _tidied(tx, network, graph)
    # What a look that is under way has noted of them is looked for anew.
    tx.run("""UPDATE network_looks SET work = NULL, place = NULL, looked = 0
              WHERE network = %(n)s AND state = 'looking'""", n=network.id)  # fmt: skip


def _tidied(tx: Tx, network: Network, graph: Graph) -> None:
    """Store a graph without what leads nowhere any more."""
    reached = steps(graph, {one.origin for one in graph.ties} | {CASE})
    graph.ties = [one for one in graph.ties if {one.origin, one.other} <= reached.keys()]
    tx.run("UPDATE networks SET graph = %(g)s WHERE id = %(n)s",
           g=tx.keys.seal(network.id, msgspec.json.encode(graph)), n=network.id)  # fmt: skip
