"""Verbs: note what a source says of an age, set a protection, name a carer."""

from collections.abc import Mapping
from datetime import date

import msgspec

from openhaven import ledger
from openhaven.core import AgeBand, Problem, new_id
from openhaven.protections.accounts import store
from openhaven.protections.ages import Age, expiry, resolve
from openhaven.protections.defaults import Cell, Defaults
from openhaven.protections.model import (
    BANDS,
    SCALES,
    Change,
    Choice,
    Choices,
    Profile,
    Source,
)
from openhaven.protections.sides import effective
from openhaven.storage import Tx

# Ages -----------------------------------------------------------------------------------------


def note_age(
    tx: Tx, defaults: Defaults, platform: str, account: str, source: Source, band: AgeBand,
    *, day: date | None = None, expires: date | None = None, carer: str | None = None,
) -> Age:  # fmt: skip
    """Note what a source says of an account's age; returns the age that it is taken to be now.

    Only band, source, day and expiry are stored. An older band from the same source does not take
    the place of a younger one that still counts; but of reviewers the last one counts, who has seen
    what those before said. Raises `Problem` (400) for an impossible one.
    """
    on = day or tx.now.date()
    if band not in BANDS or on > tx.now.date() or (expires is not None and expires <= on):
        raise Problem("age.impossible", "This age cannot be meant.",
                      "The band is unknown, the day is in the future, or it ends before it begins.",
                      next_step=f"Bands are {', '.join(BANDS)}.")  # fmt: skip
    subject = subject_of(tx, platform, account)
    if source == "carer":
        _check_carer(tx, platform, carer, subject)
    until = expiry(defaults, source, band, on, expires)
    if until <= tx.now.date():
        raise Problem("age.old", "This is too long ago to count.", f"It ended on {until}.",
                      next_step="Ask again, and send what is said today.")  # fmt: skip
    if source == "reviewer":
        tx.run("DELETE FROM age_evidence WHERE subject = %(s)s AND source = 'reviewer'", s=subject)
    tx.run(
        """INSERT INTO age_evidence (subject, source, band, day, expires)
           VALUES (%(s)s, %(source)s, %(band)s, %(day)s, %(until)s)
           ON CONFLICT (subject, source, band) DO UPDATE SET day = excluded.day,
             expires = excluded.expires, writer = pg_current_xact_id()""",
        s=subject, source=source, band=band, day=on, until=until,
    )  # fmt: skip
    # Neither the band nor whose it is: the ledger is public, and must not say who is a child.
    ledger.append(tx, "protection.age", {"source": source})
    return store.age_of(tx, defaults, platform, account)


def subject_of(tx: Tx, platform: str, account: str) -> str:
    """Return the subject of an account, which is made when no event has told of it yet."""
    sql = """INSERT INTO accounts (platform, id, subject, age_band, seen_at)
             VALUES (%(p)s, %(id)s, %(subject)s, 'unknown', %(now)s)
             ON CONFLICT (platform, id) DO UPDATE SET seen_at = accounts.seen_at
             RETURNING subject"""
    subject = str(tx.value(sql, p=platform, id=account, subject=new_id("per"), now=tx.now))
    tx.keys.ensure([subject])
    return subject


# Settings -------------------------------------------------------------------------------------


def set_protection(
    tx: Tx, defaults: Defaults, platform: str, account: str, choice: Choice,
    *, carer: str | None = None,
) -> Change:  # fmt: skip
    """Set one protection of an account, for its holder, a carer or the operator.

    A holder may open what has no floor after an explanation; carers and the operator only close
    further, down from what the holder has. Raises `Problem`: 400 for what does not exist, 403 for
    what this role may not do, 409 while the explanation has not been given.
    """
    subject = subject_of(tx, platform, account)
    tx.run("SELECT 1 FROM accounts WHERE subject = %(s)s FOR UPDATE", s=subject)
    profile = store.profile_of(tx, platform, account)
    age = resolve(defaults, profile.evidence, tx.now.date())
    cells = defaults.cells(age.band, profile.country)
    cell = _cell(defaults, cells, choice.feature)
    place = _place(cell, choice.feature, choice.value)
    if choice.role == "carer":
        _check_carer(tx, platform, carer, subject)
    _check_may(cell, place, choice, age)
    return _put(tx, platform, profile, age, cell, choice)


def _put(tx: Tx, platform: str, profile: Profile, age: Age, cell: Cell, choice: Choice) -> Change:
    """Store a choice that may be made, and record what it changes."""
    before = profile.choices.get(choice.feature, Choices())
    more: dict[str, int | bool] = {choice.role: SCALES[cell.scale].index(choice.value)}
    if choice.role == "child":
        more["explained"] = choice.explained
    after = msgspec.structs.replace(before, **more)
    _store(tx, profile.subject, choice)
    was, now = effective(cell, before, age), effective(cell, after, age)
    return _record(tx, platform, choice, cell, was, now)


def _cell(defaults: Defaults, cells: Mapping[str, Cell], feature: str) -> Cell:
    if feature in defaults.rights:
        raise Problem("protection.right", "This is a right; nobody can turn it off.", feature,
                      status=403, next_step="Nothing is to be done: it holds.")  # fmt: skip
    found = cells.get(feature)
    if found is None:
        raise Problem("protection.unknown", "There is no protection of this name.", feature,
                      next_step="GET /v1/protections/{account} lists them.")  # fmt: skip
    return found


def _place(cell: Cell, feature: str, value: str) -> int:
    scale = SCALES[cell.scale]
    if value not in scale:
        raise Problem("protection.value", "This protection has no such value.",
                      f"{feature} is one of {', '.join(scale)}.",
                      next_step="Send one of these values.")  # fmt: skip
    return scale.index(value)


def _check_may(cell: Cell, place: int, choice: Choice, age: Age) -> None:
    """Raise `Problem` when this role may not choose this value."""
    if cell.fixed or place > cell.ceiling:
        most = SCALES[cell.scale][cell.ceiling]
        raise Problem("protection.floor", "Nobody can open this so far for this account.",
                      f"{choice.feature} is at most “{most}”.", status=403,
                      next_step="If the age is wrong, it can be appealed.")  # fmt: skip
    if choice.role == "child":
        if place > cell.default and age.band != "18-plus" and not choice.explained:
            raise Problem("protection.explain", "This has to be explained first.",
                          choice.feature, status=409,
                          next_step="Show the person the sentence in `before_opening`, and send it "
                          "again with `explained`: true.")  # fmt: skip
    elif choice.role == "carer" and age.band == "18-plus":
        raise Problem("protection.adult", "Nobody is a carer of an adult.", status=403,
                      next_step="The person decides alone.")  # fmt: skip
    elif place > cell.default:
        raise Problem("protection.tighten", "Only the person can open this.",
                      f"{choice.feature} is by default “{SCALES[cell.scale][cell.default]}”.",
                      status=403, next_step="Send that value or one more closed.")  # fmt: skip


def _store(tx: Tx, subject: str, choice: Choice) -> None:
    tx.run(
        """INSERT INTO protection_settings (subject, feature, role, value, explained, at)
           VALUES (%(s)s, %(feature)s, %(role)s, %(value)s, %(explained)s, %(now)s)
           ON CONFLICT (subject, feature, role) DO UPDATE SET value = excluded.value,
             explained = excluded.explained, at = excluded.at, writer = pg_current_xact_id()""",
        s=subject, feature=choice.feature, role=choice.role, value=choice.value,
        explained=choice.explained, now=tx.now,
    )  # fmt: skip


def _record(tx: Tx, platform: str, choice: Choice, cell: Cell, was: int, now: int) -> Change:
    """Note what changed for the ledger and the public figures, without whose it is."""
    scale = SCALES[cell.scale]
    change = Change(choice.feature, scale[was], scale[now], now > was)
    made = new_id("prc")
    tx.run(
        """INSERT INTO protection_changes
             (id, platform, feature, role, before, after, weaker, at)
           VALUES (%(id)s, %(p)s, %(feature)s, %(role)s, %(before)s, %(after)s, %(weaker)s,
                   %(now)s)""",
        id=made, p=platform, role=choice.role, now=tx.now, **msgspec.structs.asdict(change),
    )  # fmt: skip
    kind = "protection.weakened" if change.weaker else "protection.set"
    ledger.append(tx, kind, {"change": made}, row=("protection_changes", made))
    return change


def note_data(tx: Tx, defaults: Defaults) -> None:
    """Record that an operator's own data holds from now on, and all that it opens, once."""
    sql = """INSERT INTO protection_data (fingerprint, version, at)
             VALUES (%(f)s, %(v)s, %(now)s) ON CONFLICT DO NOTHING"""
    if not tx.run(sql, f=defaults.fingerprint, v=defaults.version, now=tx.now):
        return
    ledger.append(tx, "protection.data", {"data": defaults.fingerprint})
    for one in defaults.opened:
        made = new_id("prc")
        tx.run(
            """INSERT INTO protection_changes
                 (id, platform, feature, role, before, after, weaker, at, law)
               VALUES (%(id)s, '', %(feature)s, 'law', %(before)s, %(after)s, true, %(now)s,
                       %(law)s)""",
            id=made, feature=one.feature, before=one.before, after=one.after, now=tx.now,
            law=f"{one.region} {one.band}: {one.law}",
        )  # fmt: skip
        ledger.append(tx, "protection.weakened", {"change": made}, row=("protection_changes", made))


# Carers ---------------------------------------------------------------------------------------


def add_carer(tx: Tx, defaults: Defaults, platform: str, account: str, carer: str) -> None:
    """Note that an account cares for another. The child sees that there is one.

    Raises `Problem` (409) for an account that would be carer and child of the same account, or
    that is a minor itself.
    """
    if carer == account:
        raise _circle()
    # In one order, so that two who name each other at the same moment do not both succeed.
    subjects = {one: subject_of(tx, platform, one) for one in sorted((account, carer))}
    tx.run("SELECT 1 FROM accounts WHERE subject = ANY(%(s)s) ORDER BY subject FOR UPDATE",
           s=list(subjects.values()))  # fmt: skip
    if store.carer(tx, subjects[carer], subjects[account]).is_cared_for:
        raise _circle()
    age = resolve(defaults, store.profile_of(tx, platform, carer).evidence, tx.now.date())
    if age.minor:
        raise Problem("carer.minor", "A carer is an adult.", status=409,
                      next_step="If the carer's age is wrong, it can be appealed.")  # fmt: skip
    sql = """INSERT INTO carers (child, carer, since) VALUES (%(child)s, %(carer)s, %(now)s)
             ON CONFLICT DO NOTHING"""
    if tx.run(sql, child=subjects[account], carer=subjects[carer], now=tx.now):
        ledger.append(tx, "protection.carer_added", {})


def remove_carer(tx: Tx, defaults: Defaults, platform: str, account: str, carer: str) -> None:
    """End that an account cares for another; what the last carer closed is no longer closed.

    Raises `Problem` (404) when it does not.
    """
    sql = """DELETE FROM carers c USING accounts child, accounts carer
             WHERE child.platform = %(p)s AND child.id = %(child)s AND c.child = child.subject
               AND carer.platform = %(p)s AND carer.id = %(carer)s AND c.carer = carer.subject"""
    if not tx.run(sql, p=platform, child=account, carer=carer):
        raise Problem("carer.unknown", "This account does not care for that one.", status=404,
                      next_step="Check both accounts.")  # fmt: skip
    ledger.append(tx, "protection.carer_removed", {})
    profile = store.profile_of(tx, platform, account)
    if not profile.carers:
        _let_go(tx, defaults, platform, profile)


def _let_go(tx: Tx, defaults: Defaults, platform: str, profile: Profile) -> None:
    """Open what carers closed. The rows stay, fully open, so that every process sees the change."""
    age = resolve(defaults, profile.evidence, tx.now.date())
    cells = defaults.cells(age.band, profile.country)
    for feature, choices in profile.choices.items():
        cell = cells.get(feature)
        if cell is not None and choices.carer is not None:
            choice = Choice(feature, "carer", SCALES[cell.scale][-1])
            _put(tx, platform, profile, age, cell, choice)


def _check_carer(tx: Tx, platform: str, carer: str | None, child: str) -> None:
    known = store.profiles(tx, [(platform, carer)]) if carer else {}
    subject = known[(platform, carer)].subject if carer and known else ""
    if not subject or not store.carer(tx, subject, child).cares:
        raise Problem("carer.unknown", "This account does not care for that one.", status=403,
                      next_step="PUT /v1/protections/{account}/carers/{carer} first.")  # fmt: skip


def _circle() -> Problem:
    return Problem("carer.circle", "An account cannot be carer and child of the same account.",
                   status=409, next_step="Check which of the two is the carer.")  # fmt: skip
