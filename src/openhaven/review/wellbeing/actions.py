"""Verbs of well-being: see something clearly, pause, opt out, end a shift.

Viewing facts are in the ledger. When somebody pauses and what they do not take is not: that is
their own matter, and nobody is to read from it how they are.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from openhaven import ledger
from openhaven.core import HARMS, Problem, harm, new_id, permits
from openhaven.review import lane
from openhaven.review.access import may_work_on, roles_of, sees_lane
from openhaven.review.choosing import choices
from openhaven.review.looks import CLEAR_SIDE, VEILED_SIDE
from openhaven.review.shown import CLEAR
from openhaven.review.wellbeing import store
from openhaven.review.wellbeing.model import LONGEST
from openhaven.storage import Tx
from openhaven.storage.settings import Exposure, Wellbeing

_NOTHING = {"harm": "other", "urgency": 0, "severity": 1, "level": "", "lane_at": None}
RENDERINGS = ("colour", "grey")
USUAL = Wellbeing()


def reveal(
    tx: Tx, media: str, task: str | None, rendering: str = "colour", wellbeing: Wellbeing = USUAL
) -> str:
    """Record that the actor asks to see a picture clearly; return the id of this viewing fact.

    `rendering` is `colour` or `grey`. The picture is shown whole, at most 1,024 pixels wide (320
    for who chose that, and grey for who chose that), and without camera data. Raises `Problem`: 403
    without the permission, or where the task is for specialists (or seniors) alone; 404 for an
    unknown picture; 409 in a pause, unless somebody may be in danger.
    """
    if not permits(roles_of(tx, tx.actor.id), "media.reveal"):
        raise Problem("permission", "Your role does not show pictures.", status=403)
    if rendering not in RENDERINGS:
        raise Problem("media.rendering", "A picture is shown in colour or in grey.")
    kind = tx.value("SELECT type FROM media WHERE id = %(m)s", m=media)
    if kind is None:
        raise Problem("media.unknown", "There is no such picture.", status=404)
    sql = """SELECT c.harm, c.lane_at, t.urgency, t.severity, t.level
             FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = %(t)s"""
    about: dict[str, Any] = next(iter(tx.rows(sql, t=task)), _NOTHING)
    closed = about["lane_at"] is not None or lane.is_closed(tx, [media])
    if closed and not sees_lane(tx, tx.actor.id):
        raise Problem("lane.closed", "Specialists for child safety alone see this.", status=403,
                      next_step="Go back to the queue.")  # fmt: skip
    if not closed and not may_work_on(tx, tx.actor.id, about["level"]):
        raise Problem("task.level", f"Only a {about['level']} reviewer sees these pictures.",
                      status=403, next_step="Take another task.")  # fmt: skip
    require_no_pause(tx, about["harm"], about["urgency"])
    own = choices(tx, tx.actor.id)
    reveal_id = new_id("rvl")
    tx.run(
        """INSERT INTO reveals (id, staff, media, task, at, harm, rendering, side, whole, exif)
           VALUES (%(id)s, %(me)s, %(media)s, %(task)s, %(now)s, %(harm)s, %(rendering)s, %(side)s,
             %(whole)s, false)""",
        id=reveal_id,
        me=tx.actor.id,
        media=media,
        task=task,
        now=tx.now,
        harm=about["harm"],
        rendering="grey" if own.only_grey else rendering,
        side=VEILED_SIDE if own.only_small else CLEAR_SIDE,
        # What moves is shown as one still.
        whole=str(kind).startswith("image/") and kind not in ("image/gif", "image/webp"),
    )
    ids = {"reveal": reveal_id, "media": media}
    ledger.append(tx, "media.revealed", ids, row=("reveals", reveal_id))
    count(tx, about["harm"], about["severity"], wellbeing)
    return reveal_id


def shown(tx: Tx, media: str) -> None:
    """Note that the actor was handed the picture they had asked for: only that is a viewing."""
    sql = """UPDATE reveals SET shown_at = %(now)s WHERE media = %(m)s AND staff = %(me)s
             AND at > %(since)s AND shown_at IS NULL"""
    tx.run(sql, now=tx.now, m=media, me=tx.actor.id, since=tx.now - CLEAR)


def require_no_pause(tx: Tx, harm: str, urgency: int) -> None:
    """Raise `Problem` (409) when the actor pauses from this harm and nobody may be in danger."""
    if urgency == 2:
        return
    for pause in store.pauses(tx, tx.actor.id):
        if pause.harm in ("", harm):
            raise Problem(
                "wellbeing.pause", "You are taking a pause from this.",
                f"It lasts another {pause.minutes} min.", status=409,
                next_step="Take another kind of task, or get up for a while. Nothing is lost.",
            )  # fmt: skip


def count(tx: Tx, harm: str, severity: int, wellbeing: Wellbeing = USUAL) -> None:
    """Begin a pause when the actor has seen as much of a harm, or of all, as is good for anybody.

    What they hold already stays theirs. Danger to somebody is given out in a pause as well.
    """
    if not _enough(tx, harm, wellbeing.limit(harm, severity)):
        _enough(tx, "", wellbeing.everything)


def _enough(tx: Tx, harm: str, limit: Exposure) -> bool:
    """Begin the pause when it was enough of a harm (empty: of all); say whether it was."""
    if store.exposures(tx, tx.actor.id, limit.hours, harm) < limit.items:
        return False
    _begin(tx, harm, "budget", timedelta(minutes=limit.pause_minutes))
    return True


def pause(tx: Tx, minutes: int) -> None:
    """Take a pause from everything for 5 to 240 minutes; raises `Problem` for any other time."""
    if not 5 <= minutes <= LONGEST.total_seconds() / 60:
        raise Problem("wellbeing.minutes", "A pause has 5 to 240 minutes.",
                      next_step="For longer, end your shift.")  # fmt: skip
    _begin(tx, "", "own", timedelta(minutes=minutes))


def go_on(tx: Tx) -> None:
    """End a pause that the actor took; one that the budget asks for lasts as long as it lasts."""
    sql = """UPDATE pauses SET until = %(now)s WHERE staff = %(me)s AND why = 'own'
             AND until > %(now)s AND began_at < %(now)s"""
    tx.run(sql, now=tx.now, me=tx.actor.id)


def _begin(tx: Tx, harm: str, why: str, length: timedelta) -> None:
    sql = """INSERT INTO pauses (id, staff, harm, why, began_at, until)
             VALUES (%(id)s, %(me)s, %(harm)s, %(why)s, %(now)s, %(until)s)"""
    tx.run(sql, id=new_id("pau"), me=tx.actor.id, harm=harm, why=why, now=tx.now,
           until=tx.now + length)  # fmt: skip
    tx.wake("console")


def opt_out(tx: Tx, harms: Sequence[str]) -> None:
    """Set the harms that the actor is not given; raises `Problem` for one that there is not."""
    for one in harms:
        harm(one)
    if set(harms) >= HARMS.keys():
        raise Problem("wellbeing.nothing", "Then nothing would be left for you to work on.",
                      next_step="Leave one class, or take a pause.")  # fmt: skip
    tx.run("DELETE FROM opt_outs WHERE staff = %(me)s AND NOT harm = ANY(%(harms)s)",
           me=tx.actor.id, harms=list(harms))  # fmt: skip
    sql = """INSERT INTO opt_outs (staff, harm, since)
             SELECT %(me)s, unnest(%(harms)s::text[]), %(now)s ON CONFLICT DO NOTHING"""
    tx.run(sql, me=tx.actor.id, harms=list(harms), now=tx.now)


def end_shift(tx: Tx) -> int:
    """Give every task of the actor back to its queue and return how many there were."""
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE state = 'claimed' AND claimed_by = %(me)s RETURNING id"""
    given = [str(row["id"]) for row in tx.rows(sql, me=tx.actor.id)]
    for task in given:
        ledger.append(tx, "task.released", {"task": task})
    tx.wake("console")
    return len(given)
