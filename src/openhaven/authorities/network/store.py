"""Reading the network of a case: what was asked, what was found, and what of it may be shown."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from openhaven.authorities.facts import facts_of
from openhaven.authorities.network.model import (
    CASE,
    CHILDREN,
    STRONG,
    Bond,
    Graph,
    Known,
    Look,
    Person,
    View,
    places,
    steps,
    told_once,
    weight,
)
from openhaven.core import Problem
from openhaven.review import lane
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "network-further"


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The network of a case, by its row."""

    id: str
    case_id: str
    platform: str
    graph: bytes | None
    made_at: datetime
    kept_until: datetime


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody needed an account by its name: who, when and why."""

    id: str
    number: int
    named_by: str
    named_name: str
    named_at: datetime
    reason: str = ""


class Start(msgspec.Struct, frozen=True):
    """Where a network begins: the case, its platform, its account and its harm."""

    case: str
    platform: str
    account: str
    harm: str
    opened_at: datetime


def start(tx: Tx, case: str) -> Start:
    """Return where the network of a case begins; raises `Problem`: 404, 409 without an account."""
    found = facts_of(tx, case).case
    if not found.account or found.account.startswith("erased:"):
        raise Problem("network.nobody", "This case is about no account that we know.", status=409,
                      next_step="Without an account there is nothing to be tied to.")  # fmt: skip
    return Start(case, found.platform, found.account, found.harm, found.opened_at)


def living(tx: Tx, case: str) -> Network | None:
    """Return the network of a case, unless nobody asked for it or its time is over."""
    sql = """SELECT id, case_id, platform, graph, made_at, kept_until FROM networks
             WHERE case_id = %(c)s AND ended_at IS NULL"""
    return tx.one(sql, Network, c=case)


def graph_of(tx: Tx, network: Network) -> Graph:
    """Return what was found, opened; an empty graph before anything was."""
    plain = None if network.graph is None else tx.keys.open(network.id, network.graph)
    return Graph() if plain is None else msgspec.json.decode(plain, type=Graph)


def digest_of(tx: Tx, account: str) -> str:
    """Return what stands for an account where its name must not."""
    return tx.keys.digest(f"network:account:{account}".encode()).hex()


_LOOK = """SELECT l.id, l.network, l.origin, l.second, l.asked_by, s.name AS asked_name, l.asked_at,
             l.state, l.place, l.looked, l.done_at, l.reason AS sealed
           FROM network_looks l JOIN staff s ON s.id = l.asked_by """


class _LookRow(Look, frozen=True, kw_only=True):
    sealed: bytes | None = None


def looks(tx: Tx, case: str) -> list[Look]:
    """Return each time that somebody asked for ties in a case, the latest first."""
    sql = (
        _LOOK
        + """JOIN networks n ON n.id = l.network WHERE n.case_id = %(c)s
                     ORDER BY l.asked_at DESC, l.id DESC LIMIT 200"""
    )
    return [_opened(tx, row) for row in tx.all(sql, _LookRow, c=case)]


def _opened(tx: Tx, row: _LookRow) -> Look:
    told = {name: value for name, value in msgspec.structs.asdict(row).items() if name != "sealed"}
    plain = tx.keys.open(row.id, row.sealed) if row.sealed else None
    return Look(**told | {"reason": (plain or b"").decode()})


class _NamingRow(Naming, frozen=True, kw_only=True):
    sealed: bytes


def namings(tx: Tx, network: str) -> dict[int, Naming]:
    """Return which accounts of a network are named, with who needed that and why."""
    sql = """SELECT n.id, n.number, n.named_by, s.name AS named_name, n.named_at,
               n.reason AS sealed
             FROM network_names n JOIN staff s ON s.id = n.named_by WHERE n.network = %(n)s"""
    found = {}
    for row in tx.all(sql, _NamingRow, n=network):
        told = msgspec.structs.asdict(row)
        plain = tx.keys.open(row.id, told.pop("sealed"))
        found[row.number] = Naming(**told | {"reason": (plain or b"").decode()})
    return found


def allowed(tx: Tx, case: str, asked: Iterable[Look]) -> set[int]:
    """Return the numbers from which ties may be shown: somebody looked, with all that it takes.

    In a case that entered the lane later, what no second person agreed to is shown no more.
    """
    strict = lane.in_lane(tx, case)
    return {
        one.origin for one in asked if one.state == "done"
        and (one.origin == CASE or not strict or approvals.approved(tx, KIND, one.id))
    }  # fmt: skip


def view(tx: Tx, case: str) -> View:
    """Return the network of a case as far as it may be shown, and nothing beyond."""
    network = living(tx, case)
    if network is None:
        return View()
    graph = graph_of(tx, network)
    origins = allowed(tx, case, [one for one in looks(tx, case) if one.network == network.id])
    shown = steps(graph, origins)
    if CASE not in origins:
        return View()
    named = namings(tx, network.id)
    people = _people(tx, case, network.platform, graph, shown, set(named))
    numbered = places(graph, shown, origins)
    bonds = [
        Bond(origin=tie.origin, other=tie.other, kind=tie.kind, place=numbered.get(tie.mark, 0),
             out=tie.out, back=tie.back, last=tie.last)
        for tie in told_once(graph, origins) if {tie.origin, tie.other} <= shown.keys()
    ]  # fmt: skip
    wide = sorted({f"{one.kind} {numbered[one.mark]}" for one in graph.wide
                   if one.mark in numbered and one.origin in origins})  # fmt: skip
    more = sum(count for origin, count in graph.more.items() if origin in origins & shown.keys())
    return View(people=_ordered(people, bonds), bonds=tuple(bonds), wide=tuple(wide), more=more)


def _ordered(people: list[Person], bonds: list[Bond]) -> tuple[Person, ...]:
    """Return people by their steps, those with the strongest ties first."""

    def strength(one: Person) -> tuple[int, int, int, int]:
        strongest, often = weight(bond for bond in bonds if one.number in (bond.origin, bond.other))
        return one.step, -strongest, -often, one.number

    return tuple(sorted(people, key=strength))


class _Row(msgspec.Struct):
    id: str
    subject: str
    child: bool


def _people(
    tx: Tx, case: str, platform: str, graph: Graph, shown: dict[int, int], named: set[int]
) -> list[Person]:
    accounts = {number: graph.accounts[number] for number in shown}
    ids = [one.account for one in accounts.values()]
    sql = """SELECT a.id, a.subject, a.age_band = ANY(%(children)s) OR EXISTS (
               SELECT 1 FROM age_evidence v WHERE v.subject = a.subject
                 AND v.band = ANY(%(children)s)) AS child
             FROM accounts a WHERE a.platform = %(p)s AND a.id = ANY(%(ids)s)"""
    rows = {row.id: row for row in tx.all(sql, _Row, p=platform, ids=ids, children=list(CHILDREN))}
    counted = _decisions(tx, case, platform, ids)
    return [
        _person(number, shown[number], one, rows.get(one.account), counted.get(one.account, 0),
                named=number in named or number == CASE)
        for number, one in accounts.items()
    ]  # fmt: skip


def _person(
    number: int, step: int, one: Known, row: _Row | None, decisions: int, *, named: bool
) -> Person:
    # Who was forgotten meanwhile, or came back as somebody new, is named no more.
    gone = bool(one.subject) and (row is None or row.subject != one.subject)
    return Person(number=number, step=step, name=one.account if named and not gone else "",
                  child=one.child or (row.child if row else False), gone=gone,
                  decisions=0 if gone else decisions)  # fmt: skip


def _decisions(tx: Tx, case: str, platform: str, accounts: list[str]) -> dict[str, int]:
    """Return how many decisions in force there are about accounts, of the kind of the case."""
    sql = """SELECT d.account, count(*) AS n FROM decisions d JOIN cases k ON k.id = d.case_id,
               cases c
             WHERE c.id = %(c)s AND d.platform = %(p)s AND d.account = ANY(%(ids)s)
               AND d.harm = c.harm AND d.outcome <> 'allow' AND d.state = 'in_force'
               AND (k.lane_at IS NULL OR c.lane_at IS NOT NULL)
             GROUP BY d.account"""
    rows = tx.rows(sql, c=case, p=platform, ids=accounts)
    return {str(row["account"]): int(row["n"]) for row in rows}


def associated(tx: Tx, case: str) -> list[str]:
    """Return the platform's ids of accounts that a report may call associated.

    They are those that somebody needed by their name, that are no child's, and that share a device,
    the address of a sign-up or a file with the account of the case.
    """
    found = view(tx, case)
    strong = {one.other for one in found.bonds if one.kind in STRONG and one.origin == CASE}
    return [one.name for one in found.people
            if one.number in strong and one.name and not one.child]  # fmt: skip
