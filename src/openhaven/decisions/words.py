"""The words of notices: plain, complete, and never naming a reporter, hash, bank or distance."""

from datetime import datetime

from openhaven.core import HARMS
from openhaven.decisions.model import Decision
from openhaven.decisions.store import Notice

# `{it}` is what the decision is about, `{whose}` the account behind it.
WHAT = {
    "allow": "We looked at {it} and took no action.",
    "warn": "This is a warning about {it}. Nothing was removed.",
    "restrict": "We limited {it}: who can see it, or what can be done with it.",
    "remove": "We removed {it}.",
    "block": "We did not publish {it}.",
    "suspend": "We suspended {whose} account. It is about {it}.",
}
TITLE = {
    "allow": "No action was taken",
    "warn": "A warning",
    "restrict": "Something of yours was limited",
    "remove": "Something you posted was removed",
    "block": "Something you wanted to post was not published",
    "suspend": "Your account was suspended",
}
AUTOMATION = {
    (True, "fully"): "A computer found this and decided it. A person looks at it when you appeal.",
    (True, "partially"): "A computer found this; a person decided with its help.",
    (True, "not"): "A computer found this; a person decided.",
    (False, "fully"): "A computer decided this. A person looks at it when you appeal.",
    (False, "partially"): "A person decided, with the help of a computer.",
    (False, "not"): "A person looked at this and decided.",
}


_YOUNG = (
    "This is about one thing, not about who you are. If something here is hard to understand, show "
    "it to an adult you trust. They may help you to appeal."
)


def notice(
    service: str, decision: Decision, appeal_url: str, *, irreversible: bool, young: bool = False
) -> Notice:
    """Return the statement of reasons to the person acted against, in plain words.

    `irreversible` says that something was done that cannot be restored; the person is told.
    `young` says that the person is known to be under eighteen, and gets a kind word.
    """
    if decision.held:
        return _held(service, decision, appeal_url, young=young)
    where = "everywhere" if decision.scope == ["*"] else "in " + ", ".join(decision.scope)
    ground = "the law" if decision.ground == "law" else "our rules"
    parts = [
        WHAT[decision.outcome].format(it=it_of(decision), whose="your"),
        _YOUNG if young and decision.outcome != "allow" else "",
        f"Why: {decision.facts}",
        f"It goes against {ground}: “{decision.clause_title}”. {decision.clause_text}"
        if decision.outcome != "allow"
        else f"We checked it against: “{decision.clause_title}”.",
        f"This applies {where}, {_duration(decision)}." if decision.outcome != "allow" else "",
        AUTOMATION[decision.automated_detection, decision.automated_decision],
        "What was removed cannot be put back by the platform. A sealed copy is kept while you can "
        "appeal, so that your words are not lost."
        if irreversible
        else "",
        decision.redress,
        f"Appeal here: {appeal_url}",
        _receipt(appeal_url),
    ]
    text = "\n\n".join(part for part in parts if part)
    return Notice(f"{service}: {TITLE[decision.outcome]}", text, list(HARMS[decision.harm].help))


def _held(service: str, decision: Decision, appeal_url: str, *, young: bool) -> Notice:
    """Return the word to a person whose item is held back: nothing was found, somebody will look.

    It does not say that anything goes against a rule, since nobody knows that yet.
    """
    parts = [
        f"We hold {it_of(decision)} back for now. Nothing was found against it or against you.",
        _YOUNG if young else "",
        f"Why: {decision.facts}",
        f"What we could not check it against: “{decision.clause_title}”. {decision.clause_text}",
        "A person will look at it soon. If nobody has by the time below, it is let go by itself.",
        f"This applies everywhere, {_duration(decision)}.",
        "A computer held it back, because it could not finish a check.",
        decision.redress,
        f"Appeal here: {appeal_url}",
        _receipt(appeal_url),
    ]
    text = "\n\n".join(part for part in parts if part)
    title = "Something of yours waits for a look"
    return Notice(f"{service}: {title}", text, list(HARMS[decision.harm].help))


def _receipt(appeal_url: str) -> str:
    return f"Your receipt, which proves to anybody what we wrote down: {appeal_url}/receipt"


def appeal_outcome(service: str, decision: Decision, facts: str, *, upheld: bool) -> Notice:
    """Return the message that says how an appeal ended, with the reviewer's reasons."""
    if upheld:
        title, first = "Your appeal was successful", "We were wrong. The decision no longer holds."
        rest = "What we did is being undone now. We are sorry."
    else:
        title, first = "Your appeal was not successful", "We looked again. The decision stays."
        rest = (
            "You can turn to a certified out-of-court dispute settlement body (in the EU) or to a "
            "court."
        )
    text = "\n\n".join((first, f"Why: {facts}", rest, "A person decided this, not a computer."))
    return Notice(f"{service}: {title}", text, list(HARMS[decision.harm].help))


def taken_back(service: str, decision: Decision, facts: str) -> Notice:
    """Return the message that a decision was taken back without an appeal."""
    text = "\n\n".join((
        f"We looked again at {it_of(decision)}, although you had not appealed. The decision does "
        "not hold any more.",
        f"Why: {facts}",
        "What we did is being undone now. We are sorry.",
        "A person decided this, not a computer.",
    ))  # fmt: skip
    title = "We took a decision back"
    return Notice(f"{service}: {title}", text, list(HARMS[decision.harm].help))


def reporter_outcome(service: str, decision: Decision) -> Notice:
    """Return the message to a reporter: what became of the report, without naming anybody."""
    acted = decision.outcome != "allow"
    ground = "the law" if decision.ground == "law" else "our rules"
    what = WHAT[decision.outcome].format(it="what you reported", whose="the")
    text = "\n\n".join((
        "Thank you for your report. A person looked at it."
        if decision.automated_decision == "not"
        else "Thank you for your report.",
        f"It goes against {ground}: “{decision.clause_title}”. {what}" if acted else
        "We found that it does not go against our rules, and took no action. If you know more, "
        "please report it again and say so.",
    ))  # fmt: skip
    return Notice(f"{service}: Your report", text, list(HARMS[decision.harm].help))


def _duration(decision: Decision) -> str:
    if decision.until is None:
        return "until it is changed"
    return f"until {_day(decision.until)}"


def it_of(decision: Decision) -> str:
    """Say what it is about, so that a person who posts a lot knows which of it."""
    if decision.item is None:
        return "your account"
    return f"what you posted on {_day(decision.content_at)} at {decision.content_at:%H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
