"""The rules in the console: what is in force, what each rule did, its clauses, the way back."""

from collections.abc import Mapping
from typing import Any

from openhaven.core import HARMS, Problem
from openhaven.policy import publishing
from openhaven.policy.model import Rule
from openhaven.policy.pack import Pack
from openhaven.policy.publishing.store import before
from openhaven.policy.standing.actions import lift
from openhaven.policy.standing.model import Standing
from openhaven.policy.standing.store import standing
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

DAYS = 7
RULES = "/console/rules"
_SHOWN = {
    "all": "All",
    "spoke": "Spoke this week",
    "shadow": "Trial only",
    "doubt": "Could not tell",
    "fallen": "Fell back",
}


def rules(call: Call) -> Answer:
    """`GET /console/rules`: each rule with its clause and its figures of the last seven days."""
    pack = call.haven.packs.current
    shown = call.query.get("show", "all")
    word = call.query.get("find", "").strip()[:100]
    with call.haven.db.read(call.now) as tx:
        every = _with_figures(tx, pack)
        found = [(rule, row) for rule, row in every if _is_shown(shown, rule, row)]
        return page(
            call, "policy/rules.html", **_frame(tx, pack), harms=HARMS, days=DAYS,
            groups=_grouped(pack, [one for one in found if _says(pack, one[0], word)]),
            every=len(every), shown=shown if shown in _SHOWN else "all", choices=_SHOWN,
            fallen=[(rule, row) for rule, row in every if row.fallen], word=word,
        )  # fmt: skip


def rule(call: Call) -> Answer:
    """`GET /console/rules/rule/{id}`: one rule with its clause, its figures and its record."""
    return _rule(call, call.path["id"])


def promote(call: Call) -> Answer:
    """`POST /console/rules/rule/{id}/promote`: a draft in which the rule is live."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            draft = publishing.promote(tx, call.path["id"])
    except Problem as problem:
        return _rule(call, call.path["id"], problem)
    return see_other(f"{RULES}/drafts/{draft.id}")


def lift_fallback(call: Call) -> Answer:
    """`POST /console/rules/rule/{id}/lift`: let a rule that fell back act by itself again."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            lift(tx, call.path["id"], call.form().get("reason", ""))
    except Problem as problem:
        return _rule(call, call.path["id"], problem, call.form())
    return see_other(f"{RULES}/rule/{call.path['id']}")


def clauses(call: Call) -> Answer:
    """`GET /console/rules/clauses`: the clauses as people read them, each with its rules."""
    pack = call.haven.packs.current
    spoken = sorted({one for clause in pack.clauses.values() for one in clause.texts})
    language = call.query.get("language", "")
    by_clause: dict[str, list[Rule]] = {}
    for one in pack.rules:
        by_clause.setdefault(one.clause, []).append(one)
    with call.haven.db.read(call.now) as tx:
        return page(call, "policy/clauses.html", **_frame(tx, pack), languages=spoken,
                    language=language if language in spoken else "", by_clause=by_clause,
                    )  # fmt: skip


def log(call: Call) -> Answer:
    """`GET /console/rules/log`: what was in force when, and the way back."""
    return _log(call)


def roll_back(call: Call) -> Answer:
    """`POST /console/rules/roll-back`: put in force again what was before."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            publishing.roll_back(tx, form.get("reason", ""), form.get("to", ""))
    except Problem as problem:
        return _log(call, problem, form)
    return see_other(f"{RULES}/log")


def _rule(
    call: Call, name: str, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    pack = call.haven.packs.current
    found = next((one for one in pack.rules if one.id == name), None)
    if found is None:
        raise Problem("rule.unknown", "The rules in force have no such rule.", status=404,
                      next_step="It may have been taken out. See all under Rules.")  # fmt: skip
    with call.haven.db.read(call.now) as tx:
        week, month = (standing(tx, [name], days)[0] for days in (DAYS, 30))
        record = publishing.shadow_record(tx, name) if found.mode == "shadow" else None
        return page(
            call, "policy/rule.html", problem.status if problem else 200, **_frame(tx, pack),
            rule=found, week=week, month=month, record=record, harms=HARMS, problem=problem,
            form=form or {}, bound=pack.fallback_of(found), origin=pack.origins.get(name, ""),
            outside=pack.in_library.get(name, ""), clause=pack.clauses[found.clause],
        )  # fmt: skip


def _log(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        rows = publishing.history(tx)
        return page(
            call, "policy/log.html", problem.status if problem else 200,
            **_frame(tx, call.haven.packs.current), rows=rows, people=_people(tx, rows),
            before=before(tx, rows[0]) if rows else None, problem=problem,
            form=form or {},
        )  # fmt: skip


def _people(tx: Tx, rows: list[publishing.Standing]) -> dict[str, str]:
    """Return the names of those who put packs in force, by what the rows call them."""
    found = publishing.names(tx, [row.by_whom.removeprefix("staff:") for row in rows])
    return {f"staff:{member}": name for member, name in found.items()}


def _frame(tx: Tx, pack: Pack) -> dict[str, Any]:
    """Return what every page of rules shows above its own matter."""
    return {"now": publishing.standing(tx), "pack": pack, "open": len(publishing.drafts(tx))}


def _with_figures(tx: Tx, pack: Pack) -> list[tuple[Rule, Standing]]:
    """Return the rules in force, each with its figures; those of rules of before are left out."""
    rows = {row.rule: row for row in standing(tx, [one.id for one in pack.rules], DAYS)}
    return [(one, rows[one.id]) for one in pack.rules]


def _is_shown(shown: str, rule: Rule, row: Standing) -> bool:
    if shown == "shadow":
        return rule.mode == "shadow"
    if shown == "spoke":
        return bool(row.matched or row.shadow)
    if shown == "doubt":
        return bool(row.unknown)
    return shown != "fallen" or row.fallen is not None


def _says(pack: Pack, rule: Rule, word: str) -> bool:
    said = f"{rule.id} {pack.clauses[rule.clause].title} {rule.when}"
    return word.casefold() in said.casefold()


def _grouped(
    pack: Pack, found: list[tuple[Rule, Standing]]
) -> dict[str, list[tuple[Rule, Standing]]]:
    """Return the rules by the pack that they come from, the pack's own first ("")."""
    groups: dict[str, list[tuple[Rule, Standing]]] = {}
    for one, row in found:
        origin = pack.origins.get(one.id, "").rpartition("/")[0]
        groups.setdefault(origin, []).append((one, row))
    return dict(sorted(groups.items()))
