"""What we did, for everybody: the page, its chart, its files, and how to check the ledger. Thin."""

from datetime import timedelta
from weakref import WeakKeyDictionary

from openhaven.storage import Database
from openhaven.transparency import chart, export, offline, store
from openhaven.transparency.model import Figures
from openhaven.web import Answer, Call, as_json, page

_FRESH = timedelta(seconds=5)
_KEPT: WeakKeyDictionary[Database, Figures] = WeakKeyDictionary()


def transparency(call: Call) -> Answer:
    """`GET /transparency`: the figures with one chart."""
    return page(call, "transparency/figures.html", figures=_figures(call))


def weekly_chart(call: Call) -> Answer:
    """`GET /transparency/chart.svg`: decisions by week."""
    return Answer(200, chart.weekly(_figures(call).weeks).encode(), "image/svg+xml")


def data_json(call: Call) -> Answer:
    """`GET /transparency/data.json`: the figures as JSON; null stands for a withheld number."""
    return as_json(_figures(call), headers=_named("json"))


def data_csv(call: Call) -> Answer:
    """`GET /transparency/data.csv`: the figures as CSV."""
    text = export.as_csv(_figures(call))
    return Answer(200, text.encode(), "text/csv; charset=utf-8", _named("csv"))


def verify(call: Call) -> Answer:
    """`GET /transparency/verify`: what the ledger is, and how anybody can check it."""
    with call.haven.db.read(call.now) as tx:
        newest = store.newest_checkpoint(tx)
    return page(call, "transparency/verify.html", newest=newest)


def receipts(call: Call) -> Answer:
    """`GET /transparency/receipts`: what a receipt is, and how anybody can check one."""
    return page(call, "transparency/receipts.html", vkey=call.haven.signer.vkey)


def receipt_checker(call: Call) -> Answer:
    """`GET /transparency/receipts/check.html`: the page that checks receipts, to be saved."""
    found = page(call, "transparency/check.html", vkey=call.haven.signer.vkey, **offline.parts())
    named = {"content-disposition": 'attachment; filename="check-a-receipt.html"'}
    return Answer(found.status, found.body, found.type, named)


def _figures(call: Call) -> Figures:
    """Return the figures, at most five seconds old: whoever asks often costs no more."""
    kept = _KEPT.get(call.haven.db)
    if kept is not None and timedelta(0) <= call.now - kept.until < _FRESH:
        return kept
    with call.haven.db.read(call.now) as tx:
        found = store.figures(tx, call.haven.settings.service_name)
    _KEPT[call.haven.db] = found
    return found


def _named(kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="transparency.{kind}"'}
