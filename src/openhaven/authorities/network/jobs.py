"""Periodic work of networks: compare events with what was asked for, slice by slice."""

import msgspec
import structlog

from openhaven import intake
from openhaven.authorities.network import actions, store
from openhaven.authorities.network.comparing import compare, learn, links_of, needles
from openhaven.authorities.network.model import (
    CASE,
    LOOKED_BACK,
    MOST,
    USED,
    Graph,
    Kind,
    Known,
    Look,
    Seen,
    Tie,
    Wide,
    Work,
    weight,
)
from openhaven.authorities.network.store import Network, Start
from openhaven.core import Problem, system
from openhaven.intake import Event
from openhaven.storage import Database, Tx

log = structlog.get_logger("network")
ME = system("network")
SLICE = 4_000
# So many events of the account itself, the latest, say what others are compared with.
OWN = 5_000


def tend(db: Database) -> int:
    """Go on with one look by a slice of events; return whether there is more to do.

    A transaction holds the look, so that two workers never compare the same; after a crash the
    slice is compared again.
    """
    with db.begin(ME) as tx:
        moved = actions.settle(tx) + actions.expire(tx)
    return moved + _one(db)


def _one(db: Database) -> int:
    """Go on with one look; one that fails holds up no other."""
    failed = list[str]()
    while True:
        taken: Network | None = None
        try:
            with db.begin(ME) as tx:
                taken = _take(tx, failed)
                return 0 if taken is None else _go_on(tx, taken)
        except Exception as error:  # A defect must not keep what others wait for.
            if taken is None or (isinstance(error, Problem) and error.code == "database.away"):
                raise
            log.exception("network.failed", network=taken.id)
            failed.append(taken.id)


def _take(tx: Tx, besides: list[str]) -> Network | None:
    sql = """SELECT n.id, n.case_id, n.platform, n.graph, n.made_at, n.kept_until FROM networks n
             WHERE n.ended_at IS NULL AND NOT n.id = ANY(%(besides)s) AND EXISTS (
               SELECT 1 FROM network_looks l WHERE l.network = n.id AND l.state = 'looking')
             ORDER BY n.made_at, n.id LIMIT 1 FOR UPDATE SKIP LOCKED"""
    return tx.one(sql, Network, besides=besides)


def _go_on(tx: Tx, network: Network) -> int:
    look = _next(tx, network.id)
    if look is None:
        return 0
    begin = store.start(tx, network.case_id)
    graph = store.graph_of(tx, network)
    graph.accounts.setdefault(CASE, _known(tx, begin.platform, {begin.account})[begin.account])
    work, place = _where(tx, look, begin, graph)
    at, n = _slice(tx, begin.platform, work, place)
    actions.remember(tx, look.id, network.id, work, at, n)
    if n < SLICE:
        joined = _joined(tx, begin.platform, graph, look.origin, work)
        actions.found(tx, network, look.id, joined)
    return 1


def _next(tx: Tx, network: str) -> Look | None:
    sql = """SELECT id, network, origin, second, asked_by, asked_at, state, place, looked, done_at
             FROM network_looks WHERE network = %(n)s AND state = 'looking'
             ORDER BY asked_at, id LIMIT 1"""
    return tx.one(sql, Look, n=network)


def _where(tx: Tx, look: Look, begin: Start, graph: Graph) -> tuple[Work, int]:
    """Return what is compared with and from which event on, begun now or stored before."""
    sealed = tx.value("SELECT work FROM network_looks WHERE id = %(id)s", id=look.id)
    plain = None if sealed is None else tx.keys.open(look.network, bytes(sealed))
    if plain is not None and look.place is not None:
        return msgspec.json.decode(plain, type=Work), look.place
    account = graph.accounts[look.origin].account
    since = begin.opened_at - LOOKED_BACK
    work = _own(tx, begin, Work(account=account), since)
    if look.origin == CASE:
        _about(tx, begin, work)
    sql = "SELECT min(seq) FROM events WHERE received_at >= %(since)s"
    first = tx.value(sql, since=since)
    return work, (int(first) if first is not None else 1) - 1


_EVENTS = """SELECT e.seq, e.subject, e.body FROM events e WHERE e.platform = %(p)s
             AND e.body IS NOT NULL AND e.kind NOT IN ('report.create', 'item.delete') """

_OWN = """AND e.account = %(a)s AND e.received_at >= %(since)s
          ORDER BY e.seq DESC LIMIT %(n)s"""
_ABOUT = """AND e.account = %(a)s AND e.seq IN (
              SELECT x.seq FROM events x JOIN cases c ON c.platform = x.platform
                AND c.item = x.item WHERE c.id = %(c)s
              UNION SELECT t.event FROM tasks t WHERE t.case_id = %(c)s)
            ORDER BY e.seq LIMIT 100"""


def _own(tx: Tx, begin: Start, work: Work, since: object) -> Work:
    """Learn from the account's own events."""
    sql = _EVENTS + _OWN
    rows = tx.rows(sql, p=begin.platform, a=work.account, since=since, n=OWN)
    tx.keys.load(str(row["subject"]) for row in rows)
    for row in rows:
        event = _opened(tx, row)
        if event is not None:
            learn(work, event)
    return work


def _opened(tx: Tx, row: dict[str, object]) -> Event | None:
    plain = tx.keys.open(str(row["subject"]), bytes(row["body"]))  # type: ignore[call-overload]
    return None if plain is None else msgspec.json.decode(plain, type=Event)


def _about(tx: Tx, begin: Start, work: Work) -> None:
    """Learn the links and files that the case is about, and who has posted these files as well."""
    sql = _EVENTS + _ABOUT
    basis = _basis(tx, begin.platform)
    media = set[str]()
    for row in tx.rows(sql, p=begin.platform, a=work.account, c=begin.case):
        event = _opened(tx, row)
        if event is None:
            continue
        work.links |= set(sorted(links_of(event, basis))[:USED])
        if event.item is not None and event.may_be_read(basis):
            media |= {one.id for one in event.item.media}
    facts = intake.media_facts(tx, begin.platform, media)
    work.files = {one.sha256.hex() for one in facts.values()}
    _files(tx, begin.platform, work)


def _files(tx: Tx, platform: str, work: Work) -> None:
    """Note who has posted the same files; found by their hashes, without looking into an event."""
    sql = """SELECT e.account, e.at, encode(m.sha256, 'hex') AS file
             FROM media m JOIN events e ON e.seq = m.event
             WHERE m.platform = %(p)s AND m.sha256 = ANY(%(f)s) AND e.account NOT IN (%(a)s, '')
             ORDER BY e.seq DESC LIMIT 10000"""
    files = [bytes.fromhex(one) for one in sorted(work.files)]
    for row in tx.rows(sql, p=platform, f=files, a=work.account):
        work.note(str(row["account"]), "file", row["at"], str(row["file"]))


def _basis(tx: Tx, platform: str) -> str | None:
    found: str | None = tx.value("SELECT private_basis FROM platforms WHERE id = %(p)s", p=platform)
    return found


def _slice(tx: Tx, platform: str, work: Work, place: int) -> tuple[int, int]:
    """Compare the next events with the work; return the last one's number and how many they were.

    Only what names something that is looked for is read; nothing else of it is kept.
    """
    sql = (
        _EVENTS
        + """AND e.seq > %(place)s AND e.account NOT IN (%(a)s, '')
                       ORDER BY e.seq LIMIT %(n)s"""
    )
    rows = tx.rows(sql, p=platform, place=place, a=work.account, n=SLICE)
    tx.keys.load(str(row["subject"]) for row in rows)
    sought, basis = needles(work), _basis(tx, platform)
    for row in rows:
        plain = tx.keys.open(str(row["subject"]), bytes(row["body"]))
        if plain is not None and any(one in plain for one in sought):
            compare(work, msgspec.json.decode(plain, type=Event), basis)
    return (int(rows[-1]["seq"]) if rows else place), len(rows)


# What came of it ---------------------------------------------------------------------------------


def _joined(tx: Tx, platform: str, graph: Graph, origin: int, work: Work) -> Graph:
    """Return the graph with what a look has found instead of what an earlier one had."""
    wide = work.too_wide()
    tied = {who: {key: seen for key, seen in keys.items() if key not in wide}
            for who, keys in work.found.items()}  # fmt: skip
    numbers = {one.account: number for number, one in graph.accounts.items()}
    made = {who: _ties(tx, origin, numbers.get(who, -1), keys) for who, keys in tied.items()
            if store.digest_of(tx, who) not in graph.forgotten}  # fmt: skip
    kept = sorted((who for who, ties in made.items() if ties),
                  key=lambda who: (*(-part for part in weight(made[who])), who))  # fmt: skip
    known = _known(tx, platform, set(kept[:MOST]))
    graph.ties = [one for one in graph.ties if one.origin != origin]
    for who in kept[:MOST]:
        number = numbers.setdefault(who, max(numbers.values(), default=CASE) + 1)
        graph.accounts[number] = _with_child(known[who], child=who in work.children)
        graph.ties += _ties(tx, origin, number, tied[who])
    graph.wide = [one for one in graph.wide if one.origin != origin]
    for kind, value in sorted(_parts(key) for key in wide):
        graph.wide.append(Wide(origin=origin, kind=kind, mark=_mark(tx, kind, value)))
    graph.more = {**graph.more, origin: max(len(kept) - MOST, 0)}
    return graph


def _with_child(known: Known, *, child: bool) -> Known:
    return msgspec.structs.replace(known, child=known.child or child)


def _parts(key: str) -> tuple[Kind, str]:
    kind, _, value = key.partition(":")
    return msgspec.convert(kind, Kind), value


def _mark(tx: Tx, kind: str, value: str) -> str:
    return tx.keys.digest(f"network:{kind}:{value}".encode()).hex()[:24] if value else ""


def _ties(tx: Tx, origin: int, other: int, keys: dict[str, Seen]) -> list[Tie]:
    made = []
    for kind, value in (_parts(key) for key in sorted(keys)):
        seen = keys[f"{kind}:{value}"]
        made.append(Tie(origin=origin, other=other, kind=kind, mark=_mark(tx, kind, value),
                        out=seen.out, back=seen.back, last=seen.last))  # fmt: skip
    return made


def _known(tx: Tx, platform: str, accounts: set[str]) -> dict[str, Known]:
    sql = "SELECT id, subject FROM accounts WHERE platform = %(p)s AND id = ANY(%(ids)s)"
    rows = tx.rows(sql, p=platform, ids=sorted(accounts))
    subjects = {str(row["id"]): str(row["subject"]) for row in rows}
    return {one: Known(one, subjects.get(one, "")) for one in accounts}
