"""What happened to one item, step by step, as far as the person who asks may see it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from plaza.model import Account, ActRow, Item, NoticeRow
from plaza.openhaven import Subject
from plaza.store import Store, acts_about, notices_under, reported_at


@dataclass(frozen=True)
class Step:
    """One step. `tone` is good, bad, quiet or plain; `link` may be empty."""

    at: str
    title: str
    text: str = ""
    tone: str = "plain"
    link: str = ""
    link_words: str = ""
    later: str = ""


_OUTCOMES = {
    "allow": ("good", "No rule matched, so it was published."),
    "review": ("plain", "It was published, and a person was asked to look at it."),
    "hold": ("plain", "It could not be checked, so it waits for a person, for a day at most."),
    "restrict": ("plain", "It was published behind a notice."),
    "remove": ("bad", "It goes against a rule, so it is not shown."),
    "block": ("bad", "It goes against a rule, so it was not published."),
}
_BACK = "What was done was taken back."
# How something is restricted, where that is not in Plaza's own way.
_MEASURES = {
    "age_gate": ("It is shown to adults only", "Who is younger does not see it."),
    "demote": ("It is shown to fewer people", "It does not stand in the stream any more."),
    "label": ("A note was put beside it", "Everybody can still see it."),
    "no_interaction": ("It was closed for answers", "Nobody can comment on it."),
}
_VERBS = {
    "remove": ("bad", "It was removed", "Nobody sees it now, but it is kept and can come back."),
    "block": ("bad", "It stays unpublished", "It is kept, so that it can come back."),
    "restrict": ("plain", "It was put behind a notice", "Adults see it if they ask for it."),
    "suspend": ("bad", "The account was suspended",
                "Its owner can still sign in, read notices and appeal."),
    "warn": ("plain", "Its author was warned", ""),
    "restore": ("good", "It was restored", _BACK),
    "unblock": ("good", "It was published after all", _BACK),
    "unrestrict": ("good", "What limited it was taken away", _BACK),
    "unsuspend": ("good", "The account was opened again", _BACK),
}  # fmt: skip


def trail(store: Store, what: Item, viewer: Account | None, haven_url: str) -> list[Step]:
    """Return the steps in the order in which they happened.

    Everybody sees what was done and under which clause. Only the author sees the notice itself, and
    nobody ever sees who reported it.
    """
    acts = [act for act in acts_about(store, what) if not act.id.startswith("verdict:")]
    decisions = {act.decision for act in acts if act.decision}
    mine = viewer is not None and viewer.id == what.account
    steps = [*_beginning(what), *_answer(what, haven_url)]
    if (reported := reported_at(store, Subject(item=what.id))) is not None:
        words = "What was said, and by whom, is known to the reviewers only."
        steps.append(Step(reported, "Somebody reported it", words))
    steps += [_act(act, haven_url) for act in acts if act.verb in _VERBS]
    for notice in notices_under(store, decisions):
        steps += _notice(what, notice, mine=mine)
    return _told(sorted(steps, key=lambda step: step.at))


def _told(steps: list[Step]) -> list[Step]:
    """Say of each step how long after the one before it came, and link each place only once."""
    told: list[Step] = []
    before, linked = None, {""}
    for step in steps:
        at = datetime.fromisoformat(step.at)
        link = "" if step.link in linked else step.link
        told.append(replace(step, link=link, later=_later(at - before) if before else ""))
        linked.add(step.link)
        before = at
    return told


def _later(gap: timedelta) -> str:
    seconds = gap.total_seconds()
    if seconds < 0.1:
        return "at once"
    if seconds < 10:
        return f"{seconds:.1f} s later"
    if seconds < 120:
        return f"{seconds:.0f} s later"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes later"
    return f"{seconds / 3600:.0f} hours later" if gap.days < 2 else f"{gap.days} days later"


def _beginning(what: Item) -> list[Step]:
    steps = [Step(what.created_at, f"{what.author} wrote it", _planted(what), "quiet")]
    if what.edited_at:
        steps.append(Step(what.edited_at, f"{what.author} changed it", "So it was asked again."))
    return steps


def _planted(what: Item) -> str:
    return f"The generator planted it: {what.planted}." if what.planted else ""


def _answer(what: Item, haven_url: str) -> list[Step]:
    asked = what.edited_at or what.created_at
    if what.state == "unreadable":
        return [Step(asked, "Openhaven could not read it", what.refusal or "", "bad")]
    if what.outcome is None:
        words = "Openhaven has not answered yet. The question stays in the outbox until it does."
        if what.state == "live":
            words = "It was published meanwhile. " + words
        return [Step(asked, "Asked: may this be published?", words, "quiet")]
    tone, words = _OUTCOMES.get(what.outcome, ("plain", ""))
    # What a person decided later names a rule too; it was not a part of this answer.
    named = what.rule and what.outcome != "allow"
    clause = f" The rule: “{what.rule}”." if named else ""
    link = _console(what.decision, haven_url)
    if what.outcome in ("review", "hold"):
        link = f"{haven_url}/console", "The queue, in the console"
    answered = f"Openhaven answered “{what.outcome}”"
    return [Step(what.answered_at or asked, answered, words + clause, tone, *link)]


def _act(act: ActRow, haven_url: str) -> Step:
    tone, title, words = _VERBS[act.verb]
    if act.verb == "restrict":
        title, words = _MEASURES.get(_measure(act), (title, words))
    if act.until:
        words += f" Until {act.until[:10]}."
    if act.state == "failed":
        tone, title, words = "bad", f"Plaza could not {act.verb} it", act.reason or ""
    elif act.state == "received":
        title, words = f"Asked to {act.verb} it", "Arrived, signed; it is being carried out."
    elif act.reason:
        words = f"Nothing was left to do: {act.reason}."
    return Step(act.received_at, title, words.strip(), tone, *_console(act.decision, haven_url))


def _measure(act: ActRow) -> str:
    return str(msgspec.json.decode(act.body).get("measure") or "")


def _notice(what: Item, notice: NoticeRow, *, mine: bool) -> list[Step]:
    words = f"“{notice.title}”." if mine else "It says why in plain words, and how to appeal."
    link = (f"/notices#notice-{notice.seq}", "Read it") if mine else ("", "")
    steps = [Step(notice.at, f"{what.author} got a notice", words, "plain", *link)]
    if notice.appealed_at:
        text = "Another person will decide, not the one who decided first."
        steps.append(Step(notice.appealed_at, f"{what.author} appealed", text))
    return steps


def _console(decision: str | None, haven_url: str) -> tuple[str, str]:
    if not decision:
        return "", ""
    return f"{haven_url}/console/decisions/{decision}", "The decision, in the console"
