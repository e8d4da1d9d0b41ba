"""The API of intake: events, media, reports. Thin: parse, call, show."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from openhaven import intake, line, signals
from openhaven.core import HARMS, Problem
from openhaven.intake import Accepted, Event, MediaFacts, Report
from openhaven.intake.flaggers import Flagger, flagger_of
from openhaven.web.call import Answer, Call, as_json
from openhaven.web.json_text import decode, decode_each

BATCH = 500
# With less time than this (in seconds) nothing more is judged while the caller waits.
_TOO_LITTLE = 0.05


class Done(msgspec.Struct, omit_defaults=True):
    """What became of one event: an HTTP status, and a verdict or a problem."""

    id: str
    status: int = 0
    verdict: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class MediaAnswer(msgspec.Struct, omit_defaults=True):
    """What is known of media that was sent; `unknown` says why there is no perceptual hash."""

    id: str
    sha256: str
    pdq: str | None
    pdq_quality: int | None
    bytes: int
    type: str
    unknown: str = ""


class Receipt(msgspec.Struct):
    """The receipt of a report: the code is the only way to ask for its state."""

    receipt: str
    status_url: str


class ReportAnswer(msgspec.Struct):
    """The state of a report and help for the one who reported."""

    state: str
    category: str
    outcome: str | None
    decided_at: str | None
    help: list[str]


def post_events(call: Call) -> Answer:
    """Store one event or a batch; with `?wait=verdict`, judge it first."""
    wait = call.query.get("wait") == "verdict"
    if call.content.lstrip()[:1] != b"[":
        return _single(call, _parse(call.content, call), wait)
    return as_json(_many(call, decode_each(call.content, _check_size), wait))


def _check_size(number: int) -> None:
    if not 1 <= number <= BATCH:
        raise Problem("batch.size", f"A batch has 1 to {BATCH} events.", f"It has {number}.",
                      next_step="Send several batches.")  # fmt: skip


def _parse(raw: bytes, call: Call) -> Event:
    event = decode(raw, Event)
    intake.check(event, call.now)
    return event


def _single(call: Call, event: Event, wait: bool) -> Answer:
    if wait:
        accepted, verdict = line.answer(call.haven, call.actor, call.now, call.platform, event)
    else:
        verdict = None
        accepted = _store(call, [event])[0]
    if accepted.result == "conflict":
        raise _conflict(event.id)
    if verdict is not None and wait:
        return as_json(verdict)
    return as_json(Done(accepted.id, 202), 202)


def _many(call: Call, raws: list[bytes], wait: bool) -> list[Done]:
    """Take what is good of a batch; a bad item does not refuse the others."""
    done = [_try_parse(call, raw) for raw in raws]
    events = [event for event in done if isinstance(event, Event)]
    results = iter(_judge_each(call, events) if wait else _store_all(call, events))
    return [next(results) if isinstance(item, Event) else item for item in done]


def _try_parse(call: Call, raw: bytes) -> Event | Done:
    try:
        return _parse(raw, call)
    except Problem as problem:
        return Done(_id_of(raw), problem.status, problem=problem.body())


def _id_of(raw: bytes) -> str:
    """Return the id that a refused event seems to have, so that the sender can find it."""
    try:
        given = msgspec.json.decode(raw, type=dict[str, Any]).get("id")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return given[:300] if isinstance(given, str) else ""


def _store_all(call: Call, events: Sequence[Event]) -> list[Done]:
    return [_stored(one) for one in _store(call, events)]


def _store(call: Call, events: Sequence[Event]) -> list[Accepted]:
    """Store events; identifiers are looked up in the same transaction and are then gone."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        stored = intake.accept(tx, call.platform, events)
        line.look_up(call.haven, tx, call.platform, events, stored)
    return stored


def _judge_each(call: Call, events: Sequence[Event]) -> list[Done]:
    """Judge one after another as long as the caller's patience lasts; store the rest at once."""
    end = time.monotonic() + line.PATIENCE
    done: list[Done] = []
    for event in events:
        left = end - time.monotonic()
        if left < _TOO_LITTLE:
            break
        done.append(_judged(call, event, left))
    return done + _store_all(call, events[len(done) :])


def _stored(accepted: Accepted) -> Done:
    if accepted.result == "conflict":
        problem = _conflict(accepted.id)
        return Done(accepted.id, problem.status, problem=problem.body())
    return Done(accepted.id, 202)


def _judged(call: Call, event: Event, patience: float) -> Done:
    accepted, verdict = line.answer(
        call.haven, call.actor, call.now, call.platform, event, patience
    )
    if accepted.result == "conflict" or verdict is None:
        return _stored(accepted)
    return Done(accepted.id, 200, verdict)


def _conflict(event_id: str) -> Problem:
    return Problem(
        "event.conflict",
        "Another event with this id was sent before.",
        f"id {event_id}",
        status=409,
        next_step="Give every event an id of its own; repeat it unchanged.",
    )


def get_event(call: Call) -> Answer:
    """Return the verdict on an event, or 202 while there is none."""
    with call.haven.db.read(call.now) as tx:
        row = intake.event_of(tx, call.platform, call.path["id"])
    if row is None:
        raise Problem("event.unknown", "There is no event with this id.", status=404)
    if row.verdict is None:
        return as_json(Done(row.id, 202), 202)
    return as_json(line.linked(call.haven, row.verdict))


def post_media(call: Call) -> Answer:
    """Hash media as people see it, store it sealed, and say what it is."""
    data = call.body()
    if not data:
        raise Problem("media.empty", "No bytes were sent.", next_step="Send the file as the body.")
    found = signals.look_closer(call.haven.hasher, call.haven.banks, data)
    facts = MediaFacts(
        id="", sha256=found.sha256, md5=found.md5, type=found.type, size=len(data), pdq=found.pdq,
        quality=found.quality, unknown=found.unknown, sha1=found.sha1,
        others=tuple(one.pdq for one in found.others),
        reads=tuple(one.read for one in found.others), film=found.film,
        plugin_hashes=found.plugin_hashes,
    )  # fmt: skip
    with call.haven.db.begin(call.actor, call.now) as tx:
        facts = intake.accept_media(tx, call.haven.blobs, call.platform, data, facts)
    pdq = facts.pdq.hex() if facts.pdq else None
    answer = MediaAnswer(facts.id, facts.sha256.hex(), pdq, facts.quality, facts.size, facts.type,
                         facts.unknown or "")  # fmt: skip
    return as_json(answer, 201)


def post_report(call: Call) -> Answer:
    """Take a report and give a receipt; the reporter may stay unnamed."""
    report = call.json(Report)
    with call.haven.db.begin(call.actor, call.now) as tx:
        flagger = flagger_of(tx, call.actor.id)
        if flagger is not None:
            report = _flagged(report, flagger)
        receipt = intake.accept_report(tx, call.platform, report,
                                       flagger=flagger.id if flagger else None)  # fmt: skip
    return as_json(Receipt(receipt, f"{call.haven.settings.url}/report/{receipt}"), 201)


def _flagged(report: Report, flagger: Flagger) -> Report:
    """Return a trusted flagger's report; raises `Problem` (403) for a harm that is not its own."""
    if intake.category_of(report.category) not in flagger.harms:
        raise Problem("report.area", "This key reports other harms only.",
                      "This key: " + ", ".join(flagger.harms), status=403,
                      next_step="Use the form for everybody, or ask for a wider key.")  # fmt: skip
    return msgspec.structs.replace(report, trusted=True)


def get_report(call: Call) -> Answer:
    """Return the state of a report by its receipt code."""
    with call.haven.db.read(call.now) as tx:
        status = intake.report_status(tx, call.path["receipt"])
    decided = status.decided_at.isoformat() if status.decided_at else None
    return as_json(ReportAnswer(status.state, status.category, status.outcome, decided,
                                list(HARMS[status.category].help)))  # fmt: skip
