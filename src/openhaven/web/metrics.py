"""`GET /metrics`: what an operator watches, in the text format of Prometheus.

Requests are counted here; the rest is read from the database when somebody asks, at most every
five seconds.
"""

import hmac
import threading
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from openhaven import policy
from openhaven.storage import Tx
from openhaven.web.call import Answer, Call, Refusal
from openhaven.web.security import hostname

if TYPE_CHECKING:
    from openhaven.line import Haven

_FRESH = 5.0
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# What is waiting, what is stuck: every one of these should be near zero.
_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("events_waiting", "Events received and not yet judged.",
     "SELECT count(*) FROM events WHERE state = 'received'"),
    ("events_stuck", "Events that could not be judged.",
     "SELECT count(*) FROM events WHERE state = 'stuck'"),
    ("judgements_waiting", "Judgements from which no decision has followed yet.",
     "SELECT count(*) FROM judgements WHERE state = 'given'"),
    ("acts_waiting", "Acts that are due and not yet accepted by their platform.",
     """SELECT count(*) FROM acts WHERE state = 'intended' AND next_at IS NOT NULL
        AND (attempts > 0 OR next_at <= now())"""),
    ("acts_failed", "Acts that could not be carried out.",
     "SELECT count(*) FROM acts WHERE state = 'failed'"),
    ("acts_silent", "Acts accepted more than a day ago and never reported done.",
     """SELECT count(*) FROM acts WHERE state = 'accepted' AND target <> '{}'
          AND accepted_at < %(now)s - interval '24 hours'"""),
    ("notices_failed", "Notices that could not be sent by e-mail.",
     "SELECT count(*) FROM notices WHERE email_state = 'failed'"),
    ("tasks_open", "Review tasks that wait or are being worked on.",
     "SELECT count(*) FROM tasks WHERE state IN ('open', 'claimed')"),
    ("tasks_overdue", "Review tasks beyond their due date.",
     "SELECT count(*) FROM tasks WHERE state IN ('open', 'claimed') AND due_at < %(now)s"),
    ("held_back", "Items that are held back until a person has looked.",
     "SELECT count(*) FROM decisions WHERE state = 'in_force' AND decided_by LIKE 'held:%%'"),
    ("duties_overdue", "Duties to report to an authority that are beyond their time.",
     "SELECT count(*) FROM duties WHERE state = 'open' AND due_at < %(now)s"),
    ("filings_failed", "Reports to authorities that need a person.",
     "SELECT count(*) FROM filings WHERE state = 'failed'"),
    ("filings_stuck", "Reports that an authority has not taken for an hour.",
     """SELECT count(*) FROM filings WHERE state = 'filed'
          AND failing_since < %(now)s - interval '1 hour'"""),
    ("rules_fallen", "Rules that only ask a person, since they were overturned too often.",
     "SELECT count(*) FROM rule_fallbacks WHERE lifted_at IS NULL"),
    ("bank_sources_stale", "Sources of banks that were not read to their end for three intervals.",
     """SELECT count(*) FROM bank_sources WHERE removed_at IS NULL AND paused_at IS NULL
          AND coalesce(current_at, created_at) < %(now)s - 3 * interval_s * interval '1 second'"""),
    ("bank_sources_failing", "Sources of banks whose last reading failed.",
     "SELECT count(*) FROM bank_sources WHERE removed_at IS NULL AND failures > 0"),
    ("bank_feedback_failed", "Words about matches that a source did not take.",
     "SELECT count(*) FROM bank_outbox WHERE state = 'failed'"),
    ("bank_entries_undelivered", "Our own entries that a service did not take, or not take back.",
     "SELECT count(*) FROM bank_sent WHERE state = 'failed'"),
    ("rule_messages_failed", "Messages to owners of rules that fell back, which did not arrive.",
     "SELECT count(*) FROM rule_messages WHERE state = 'failed'"),
    ("look_backs_stuck", "Looks back of banks that were halted this week, or cannot go on.",
     """SELECT count(*) FROM look_backs WHERE (state = 'running' AND failures > 2)
          OR (state = 'halted' AND ended_at > %(now)s - interval '7 days')"""),
    ("matrix_events_stuck", "Events of homeservers set aside, since they could not be read.",
     "SELECT count(*) FROM matrix_inbox WHERE stuck_at IS NOT NULL AND done_at IS NULL"),
    ("matrix_rooms_owed", "Rooms still to be read again since a homeserver was restarted.",
     """SELECT (SELECT count(*) FROM matrix_owed_rooms)
          + (SELECT count(*) FROM matrix_servers WHERE owed_since IS NOT NULL)"""),
    ("requests_overdue", "Requests of authorities that are beyond their time.",
     "SELECT count(*) FROM lawful_requests WHERE ended_at IS NULL AND due_at <= %(now)s"),
    ("requests_unheard", "Calls about a life in danger that reached nobody.",
     """SELECT count(*) FROM request_calls c JOIN lawful_requests r ON r.id = c.request
        WHERE c.state = 'failed' AND r.ended_at IS NULL"""),
    ("requests_untold", "People whom staff has to tell that an authority asked.",
     "SELECT count(*) FROM request_notices WHERE state = 'by_hand'"),
    ("helplines_stale", "Services that help whose verification has become too old.",
     """SELECT count(*) FROM help_services WHERE withdrawn_at IS NULL
          AND verified_on < (%(now)s AT TIME ZONE 'UTC')::date - %(days)s"""),
    ("helplines_directory_failing", "Directories of services that could not be read.",
     "SELECT count(*) FROM help_directories WHERE error <> ''"),
    ("ledger_unsequenced_seconds", "Age of the oldest ledger entry without a place.",
     """SELECT coalesce(extract(epoch FROM %(now)s - min(at)), 0) FROM ledger_entries
        WHERE idx IS NULL"""),
)  # fmt: skip


class Metrics:
    """The measures of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "openhaven_http_requests", "Requests by method, path of the table and status.",
            ("method", "route", "status"), registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "openhaven_http_seconds", "Seconds from request to answer.", ("route",),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._gauges = {
            name: Gauge(f"openhaven_{name}", words, registry=self._registry)
            for name, words, _ in _GAUGES
        }
        self._behind = Gauge(
            "openhaven_policy_behind", "1 when this process cannot run what was published last.",
            registry=self._registry,
        )  # fmt: skip
        self._bank_files = Gauge(
            "openhaven_bank_file_trouble",
            "1 when the file of a kind of bank cannot be used or written: its last state goes on.",
            ("kind",), registry=self._registry,
        )  # fmt: skip
        self._bank_waiting = Gauge(
            "openhaven_bank_file_waiting", "Changes of banks that their file does not have yet.",
            ("kind",), registry=self._registry,
        )  # fmt: skip
        self._rules = Gauge(
            "openhaven_rule_today", "How often rules spoke today (UTC), by rule and what followed.",
            ("rule", "what"), registry=self._registry,
        )  # fmt: skip
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; a path outside the table counts as the route “none”."""
        known = route or "none"
        verb = method if method in ("GET", "POST", "PUT", "HEAD") else "other"
        self._requests.labels(verb, known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def text(self, haven: "Haven") -> bytes:
        """Return all measures; those of the database are at most five seconds old."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH:
                with haven.db.read() as tx:
                    self._read(tx, haven.settings.helplines.verified_days)
                self._read_at = time.monotonic()
        self._behind.set(bool(haven.packs.trouble))
        for kind in haven.banks.snapshot.banks:
            self._bank_files.labels(kind).set(kind in haven.banks.trouble)
            self._bank_waiting.labels(kind).set(haven.banks.waiting.get(kind, 0))
        return generate_latest(self._registry)

    def _read(self, tx: Tx, days: int) -> None:
        for name, _, sql in _GAUGES:
            self._gauges[name].set(float(tx.value(sql, now=tx.now, days=days)))
        self._rules.clear()
        for one in policy.standing(tx, (), days=1):
            for what in policy.NUMBERS:
                if number := getattr(one, what):
                    self._rules.labels(one.rule, what).set(number)

    def show(self, call: Call) -> Answer:
        """`GET /metrics`: for this machine, or for who shows the operator's token."""
        _check_may_look(call)
        return Answer(200, self.text(call.haven), CONTENT_TYPE_LATEST)


def _check_may_look(call: Call) -> None:
    token = call.haven.settings.metrics_token
    given = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return
    if not token and _is_local(call):
        return
    raise Refusal("metrics.closed", "The measures are for the operator.", status=401,
                  next_step="Send “Authorization: Bearer …” with the setting metrics_token.",
                  headers={"www-authenticate": 'Bearer realm="openhaven metrics"'})  # fmt: skip


def _is_local(call: Call) -> bool:
    """Say whether the client is on this machine and no proxy stands between."""
    if any(name in call.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via")):
        return False
    host = hostname(call.headers.get("host", ""))
    return _is_loopback(call.client) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
