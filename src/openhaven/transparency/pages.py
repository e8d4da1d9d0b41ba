"""What we did, for everybody: the page, its chart, its files, and how to check the ledger. Thin."""

from openhaven.transparency import chart, export, store
from openhaven.transparency.model import Figures
from openhaven.web import Answer, Call, as_json, page


def transparency(call: Call) -> Answer:
    """`GET /transparency`: the figures with one chart."""
    return page(call, "transparency/figures.html", figures=_figures(call))


def weekly_chart(call: Call) -> Answer:
    """`GET /transparency/chart.svg`: decisions by week."""
    with call.haven.db.read(call.now) as tx:
        weeks = store.weeks(tx)
    return Answer(200, chart.weekly(weeks).encode(), "image/svg+xml")


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


def _figures(call: Call) -> Figures:
    with call.haven.db.read(call.now) as tx:
        return store.figures(tx, call.haven.settings.service_name)


def _named(kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="transparency.{kind}"'}
