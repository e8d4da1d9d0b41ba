"""Each process learns by itself what is in force: once at the start, and then all the time."""

from functools import lru_cache
from pathlib import Path

import structlog

from openhaven import history
from openhaven.core import Problem, system
from openhaven.policy.folder import fingerprint
from openhaven.policy.holder import InForce, Packs, in_force
from openhaven.policy.includes import read_packs
from openhaven.policy.load import load_texts
from openhaven.policy.pack import Pack
from openhaven.policy.places import BrokenPack, PackError
from openhaven.policy.publishing import store
from openhaven.policy.publishing.force import put_first
from openhaven.policy.shipped import find_pack
from openhaven.signals import Banks
from openhaven.storage import Database, Tx

log = structlog.get_logger("policy")
_ME = system("start")


def start(db: Database, banks: Banks, pack: str) -> Packs:
    """Return what is in force here; in a new database that is `pack`, of the settings.

    What was published wins over the settings; the log says when they hold something else. Where the
    last pack cannot be loaded by this version of the program, the last one that can be runs
    instead, and `Packs.trouble` says why. Raises `Problem` when none can be.
    """
    with db.begin(_ME) as tx:
        tx.run("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.policy', 0))")
        newest = store.newest(tx)
        if newest is None:
            first = _first(Path(find_pack(pack)))
            history.begin(tx, first.counters)
            return Packs(in_force(first, banks, put_first(tx, first)))
    with db.read() as tx:
        _say_unpublished(tx, pack)
        packs = _last_good(tx, banks)
    _begin_counting(db, packs.current)
    return packs


def follow(db: Database, banks: Banks, packs: Packs) -> int:
    """Put in force what was published since, if anything; always returns 0.

    The pack is compiled beside the work that goes on, and swapped in when it is ready. One that
    cannot be loaded changes nothing but `packs.trouble`.
    """
    with db.read() as tx:
        newest = store.newest(tx)
        if newest is None or newest.seq in (packs.now.row, packs.refused):
            return 0
        texts = store.files_of_pack(tx, newest.pack)
    # Compiled outside of the transaction: that takes a while.
    if newest.pack == packs.current.fingerprint:
        packs.swap(InForce(packs.current, packs.now.signals, newest.seq))
        return 0
    try:
        packs.swap(in_force(_as_kept(texts, newest.pack), banks, newest.seq))
        _begin_counting(db, packs.current)
    except Exception as error:  # Whatever is wrong with it, what runs goes on, and this is shown.
        _refuse(packs, newest.seq, newest.pack, error)
        return 0
    log.info("policy.swapped", pack=newest.pack, row=newest.seq)
    return 0


def _begin_counting(db: Database, pack: Pack) -> None:
    with db.begin(_ME) as tx:
        history.begin(tx, pack.counters)


def _last_good(tx: Tx, banks: Banks) -> Packs:
    rows = store.history(tx, 20)
    for row in rows:
        try:
            pack = _as_kept(store.files_of_pack(tx, row.pack), row.pack)
            packs = Packs(in_force(pack, banks, row.seq))
        except Problem as problem:
            log.error("policy.unloadable", pack=row.pack, row=row.seq, code=problem.code)
            last = problem
            continue
        if row is not rows[0]:
            packs.stay(rows[0].seq, _why(rows[0].pack))
        return packs
    raise last


def _as_kept(texts: dict[str, str], mark: str) -> Pack:
    """Compile a pack as it stood: what only makes no sense by now was good enough then.

    Raises `Problem` (500) when the stored files are not those that were published.
    """
    if fingerprint(texts) != mark:
        raise Problem("pack.altered", "The files of this pack were altered after it was published.",
                      mark, status=500, next_step="Run: openhaven ledger verify")  # fmt: skip
    return _compiled(tuple(texts.items()), kept=True)


def _first(path: Path) -> Pack:
    errors: list[PackError] = []
    texts = read_packs(path, errors)
    if errors:
        raise BrokenPack(errors)
    return _compiled(tuple(texts.items()), kept=False)


@lru_cache(maxsize=4)
def _compiled(texts: tuple[tuple[str, str], ...], *, kept: bool) -> Pack:
    """Compile the files of a pack; what this process ran lately is ready for a roll-back."""
    return load_texts(dict(texts), kept=kept)


def _refuse(packs: Packs, row: int, pack: str, error: Exception) -> None:
    log.error("policy.unloadable", pack=pack, row=row, error=type(error).__name__,
              exc_info=not isinstance(error, Problem))  # fmt: skip
    packs.stay(row, _why(pack))


def _why(pack: str) -> str:
    return (
        f"The rules that were published last ({pack[:19]}…) cannot be loaded by this version of "
        "the program, or were altered. The ones before go on. The log says what is wrong; roll "
        "back, or publish a pack that can be loaded."
    )


def _say_unpublished(tx: Tx, pack: str) -> None:
    """Say in the log that the pack of the settings is not what is in force, and never was."""
    errors: list[PackError] = []
    try:
        texts = read_packs(Path(find_pack(pack)), errors)
    except Problem as problem:
        log.warning("policy.settings_unreadable", code=problem.code)
        return
    if errors or not store.was_in_force(tx, fingerprint(texts)):
        log.warning(
            "policy.settings_differ",
            hint="The setting `pack` holds rules that were never published; others are in force. "
            f"To publish them: openhaven pack publish {pack} --as NAME",
        )
