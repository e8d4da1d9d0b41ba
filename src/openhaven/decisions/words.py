"""The words of notices: plain, complete, and never naming a reporter, hash, bank or distance."""

import re
from collections.abc import Mapping

import msgspec

from openhaven.core import HARMS
from openhaven.core.words import best, day_in, mark, time_in, translate, translate_known
from openhaven.decisions.model import Decision
from openhaven.decisions.store import Notice
from openhaven.policy import Clause
from openhaven.support import Guide

# `{it}` is what the decision is about.
WHAT = {
    "allow": mark("We looked at {it} and took no action."),
    "warn": mark("This is a warning about {it}. Nothing was removed."),
    "restrict": mark("We limited {it}: who can see it, or what can be done with it."),
    "remove": mark("We removed {it}."),
    "block": mark("We did not publish {it}."),
    "suspend": mark("We suspended your account. It is about {it}."),
}
MEASURES = {
    "age_gate": mark("We let only adults see {it}."),
    "demote": mark("We show {it} to fewer people."),
    "label": mark("We put a notice at {it}."),
    "no_interaction": mark("We closed {it} for answers and sharing."),
    "monetary": mark("We stopped payments for {it}."),
    "service": mark("We closed a part of the service to you. It is about {it}."),
}
TITLE = {
    "allow": mark("No action was taken"),
    "warn": mark("A warning"),
    "restrict": mark("Something of yours was limited"),
    "remove": mark("Something you posted was removed"),
    "block": mark("Something you wanted to post was not published"),
    "suspend": mark("Your account was suspended"),
}
AUTOMATION = {
    (True, "fully"): mark(
        "A computer found this and decided it. A person looks at it when you appeal."
    ),
    (True, "partially"): mark("A computer found this; a person decided with its help."),
    (True, "not"): mark("A computer found this; a person decided."),
    (False, "fully"): mark("A computer decided this. A person looks at it when you appeal."),
    (False, "partially"): mark("A person decided, with the help of a computer."),
    (False, "not"): mark("A person looked at this and decided."),
}
_REPORTED = {
    "warn": mark("We warned the person. Nothing was removed."),
    "restrict": mark("We limited what you reported: who can see it, or what can be done with it."),
    "remove": mark("We removed what you reported."),
    "block": mark("We did not publish what you reported."),
    "suspend": mark("We suspended the account."),
}
_YOUNG = mark(
    "This is about one thing, not about who you are. If something here is hard to understand, show "
    "it to an adult you trust. They may help you to appeal."
)
_LOST = mark(
    "What was removed cannot be put back by the platform. A sealed copy is kept while you can "
    "appeal, so that your words are not lost."
)
_COURT = mark(
    "You can turn to a certified out-of-court dispute settlement body (in the EU) or to a court."
)
_YOUNG_REDRESS = mark(
    "You can appeal for six months with the link in this message. It costs nothing, and another "
    "person looks at it. A parent, a carer or another adult you trust can help you."
)
_YOUNG_COURT = mark(
    "Do you still think it is wrong? Show this to a parent, a carer or another adult you trust. "
    "They can ask people outside this service to look at it."
)
_UNDOING = mark("What we did is being undone now. We are sorry.")
_CHECKED = mark("What we check it against: “{title}”. {text}")
_NOT_CHECKED = mark("What we could not check it against: “{title}”. {text}")
_HELD_BY_RULE = mark("A computer held it back, because it could not finish a check.")
_HELD_BY_STAFF = mark(
    "A person hid it for a while, because waiting could do harm. It is no strike."
)
_NOT_INDEPENDENT = mark(
    "Nobody works here who had no part in the decision. The same person looked again after a day. "
    "This was not independent."
)
_BY_A_PERSON = mark("A person decided this, not a computer.")


class Reader(msgspec.Struct, frozen=True):
    """Whom a notice is for: the language (BCP 47), and whether known to be under eighteen.

    `clauses` are those in force, by their anchors: a clause that has not changed since may be there
    in the reader's language. `guide` knows who helps where the reader is.
    """

    language: str = "en"
    young: bool = False
    clauses: Mapping[str, Clause] = {}
    guide: Guide = Guide()

    def say(self, text: str, /, **values: object) -> str:
        """Return a sentence in the reader's language."""
        return translate(self.language, text, **values)

    def clause(self, decision: Decision) -> tuple[str, str]:
        """Return title and text of the decision's clause, translated where the pack says it."""
        now = self.clauses.get(decision.clause)
        if now is None or now.text != decision.clause_text:
            return decision.clause_title, decision.clause_text
        said, _ = now.said_in(self.language)
        return said.title, said.text

    def facts(self, decision: Decision) -> str:
        """Return what was found; a rule's fixed sentences are translated, a person's words not."""
        if decision.automated_decision != "fully":
            return decision.facts
        sentences = re.split(r"(?<=\.) ", decision.facts)
        return " ".join(translate_known(self.language, one) for one in sentences)

    def link(self, url: str) -> str:
        """Return the address of a page of ours in the reader's language."""
        return url if self.language == "en" else f"{url}?lang={self.language}"


def reader(
    language: str | None,
    clauses: Mapping[str, Clause],
    *,
    young: bool = False,
    guide: Guide = Guide(),  # noqa: B008 (it never changes)
) -> Reader:
    """Return whom a notice is for; a language that is not there, or not known, is English."""
    return Reader(best([language or ""]), young, clauses, guide)


def notice(
    service: str, decision: Decision, appeal_url: str, to: Reader, *, irreversible: bool
) -> Notice:
    """Return the statement of reasons to the person acted against, in plain words.

    `irreversible` says that something was done that cannot be restored; the person is told. Who is
    known to be under eighteen gets a kind word.
    """
    if decision.held:
        return _held(service, decision, appeal_url, to)
    acted = decision.outcome != "allow"
    parts = [
        to.say(what(decision), it=it_of(decision, to.language)),
        to.say(_YOUNG) if to.young and acted else "",
        to.say("Why: {facts}", facts=to.facts(decision)),
        _against(decision, to),
        _reach(decision, to) if acted else "",
        to.say(AUTOMATION[decision.automated_detection, decision.automated_decision]),
        to.say(_LOST) if irreversible else "",
        _redress(decision, to),
        *_ways(appeal_url, to),
    ]
    return _made(service, decision, to, TITLE[decision.outcome], parts)


def what(decision: Decision) -> str:
    """Return the sentence that says what was done; `{it}` is what it is about."""
    return MEASURES.get(decision.measure) or WHAT[decision.outcome]


def _held(service: str, decision: Decision, appeal_url: str, to: Reader) -> Notice:
    """Return the word to a person whose item is held back: nothing was found, somebody will look.

    It does not say that anything goes against a rule, since nobody knows that yet.
    """
    title, text = to.clause(decision)
    it = it_of(decision, to.language)
    against = _CHECKED if decision.interim else _NOT_CHECKED
    parts = [
        to.say("We hold {it} back for now. Nothing was found against it or against you.", it=it),
        to.say(_YOUNG) if to.young else "",
        to.say("Why: {facts}", facts=to.facts(decision)),
        to.say(against, title=title, text=text),
        to.say(
            "A person will look at it soon. If nobody has by the time below, it is let go by "
            "itself."
        ),
        _reach(decision, to),
        to.say(_HELD_BY_STAFF if decision.interim else _HELD_BY_RULE),
        _redress(decision, to),
        *_ways(appeal_url, to),
    ]
    return _made(service, decision, to, mark("Something of yours waits for a look"), parts)


def appeal_outcome(
    service: str,
    decision: Decision,
    facts: str,
    to: Reader,
    *,
    upheld: bool,
    independent: bool = True,
    bodies: tuple[str, ...] = (),
) -> Notice:
    """Return the message that says how an appeal ended, with the reviewer's reasons.

    `independent` says whether it was heard by somebody who had no part in the decision; `bodies`
    are those outside who settle disputes.
    """
    if upheld:
        title, first = mark("Your appeal was successful"), mark(
            "We were wrong. The decision no longer holds."
        )  # fmt: skip
    else:
        title, first = mark("Your appeal was not successful"), mark(
            "We looked again. The decision stays."
        )  # fmt: skip
    why = to.say("Why: {facts}", facts=facts)
    rest = to.say(_UNDOING if upheld else _YOUNG_COURT if to.young else _COURT)
    named = () if upheld or to.young else bodies
    parts = [to.say(first), why, rest, *_heard(to, independent, named)]
    return _made(service, decision, to, title, parts)


def reporter_appeal(
    service: str,
    decision: Decision,
    facts: str,
    to: Reader,
    *,
    upheld: bool,
    independent: bool = True,
    bodies: tuple[str, ...] = (),
) -> Notice:
    """Return the message to somebody who reported, on how their appeal ended."""
    first = mark("We looked again. We still found nothing that goes against the rules.")
    if upheld:
        first = mark(
            "You were right to ask again. The matter is decided anew, and you will hear of it."
        )
    rest = [] if upheld else [to.say(_COURT)]
    why = to.say("Why: {facts}", facts=facts)
    parts = [to.say(first), why, *rest, *_heard(to, independent, () if upheld else bodies)]
    return _made(service, decision, to, mark("Your report"), parts, HARMS[decision.harm].help)


def _heard(to: Reader, independent: bool, bodies: tuple[str, ...]) -> list[str]:
    """Say who heard an appeal, and who else could."""
    heard = [to.say(_BY_A_PERSON if independent else _NOT_INDEPENDENT)]
    named = to.say("Outside bodies that can look at it: {bodies}", bodies="; ".join(bodies))
    return [*heard, named] if bodies else heard


def taken_back(service: str, decision: Decision, facts: str, to: Reader) -> Notice:
    """Return the message that a decision was taken back without an appeal."""
    parts = [
        to.say(
            "We looked again at {it}, although you had not appealed. The decision does not hold "
            "any more.",
            it=it_of(decision, to.language),
        ),
        to.say("Why: {facts}", facts=facts),
        to.say(_UNDOING),
        to.say(_BY_A_PERSON),
    ]
    return _made(service, decision, to, mark("We took a decision back"), parts)


def reporter_outcome(service: str, decision: Decision, to: Reader) -> Notice:
    """Return the message to a reporter: what became of the report, without naming anybody."""
    thanks = mark("Thank you for your report.")
    if decision.automated_decision == "not":
        thanks = mark("Thank you for your report. A person looked at it.")
    if decision.outcome == "allow":
        found = to.say(
            "We found that it does not go against our rules, and took no action. If you know more, "
            "please report it again and say so."
        )
    else:
        found = _breaks(decision, to) + " " + to.say(_REPORTED[decision.outcome])
    topics = HARMS[decision.harm].help
    return _made(service, decision, to, mark("Your report"), [to.say(thanks), found], topics)


# Pieces ---------------------------------------------------------------------------------------


def _made(
    service: str,
    decision: Decision,
    to: Reader,
    title: str,
    parts: list[str],
    topics: tuple[str, ...] | None = None,
) -> Notice:
    """Return a notice, with where to turn at its end; `topics` are those of who was acted on."""
    whole = to.say("{service}: {title}", service=service, title=to.say(title))
    topics = topics_of(decision, to) if topics is None else topics
    help_ = "\n".join(to.guide.lines(topics, to.language))
    text = "\n\n".join(part for part in (*parts, help_) if part)
    return Notice(whole, text, list(topics), to.language)


def topics_of(decision: Decision, to: Reader) -> tuple[str, ...]:
    """Return what the one who was acted on may need help with.

    Where a child was hurt that is somebody else's help for an adult: it is their own thoughts or
    acts that they may want to talk about. A child may itself be who was hurt; at an unknown age it
    is either.
    """
    topics = HARMS[decision.harm].help
    if "child-abuse" not in topics or to.guide.band in ("under-13", "13-15", "16-17"):
        return topics
    return ("prevention",) if to.guide.band == "18-plus" else (*topics, "prevention")


def _redress(decision: Decision, to: Reader) -> str:
    """Say what can be done against it; a child is led to an adult, not to bodies with long names.

    The record of the decision names them all, and so does its page to whoever is grown up.
    """
    return to.say(_YOUNG_REDRESS) if to.young else translate_known(to.language, decision.redress)


def _breaks(decision: Decision, to: Reader) -> str:
    title, _ = to.clause(decision)
    if decision.ground == "law":
        return to.say("It goes against the law: “{title}”.", title=title)
    return to.say("It goes against our rules: “{title}”.", title=title)


def _against(decision: Decision, to: Reader) -> str:
    title, text = to.clause(decision)
    if decision.outcome == "allow":
        return to.say("We checked it against: “{title}”.", title=title)
    return f"{_breaks(decision, to)} {text}"


def _reach(decision: Decision, to: Reader) -> str:
    """Say where a decision holds, and for how long."""
    begins = ""
    if decision.starts_at is not None:
        day = day_in(to.language, decision.starts_at)
        begins = to.say("It begins on {day}.", day=day) + " "
    return begins + _where(decision, to)


def _where(decision: Decision, to: Reader) -> str:
    values = {"places": ", ".join(decision.scope)}
    if decision.until is None:
        if decision.scope == ["*"]:
            return to.say("This applies everywhere, until it is changed.")
        return to.say("This applies in {places}, until it is changed.", **values)
    values["day"] = day_in(to.language, decision.until)
    if decision.scope == ["*"]:
        return to.say("This applies everywhere, until {day}.", **values)
    return to.say("This applies in {places}, until {day}.", **values)


def _ways(appeal_url: str, to: Reader) -> tuple[str, str]:
    """Return the ways on: to the appeal, and to the receipt."""
    return (
        to.say("Appeal here: {url}", url=to.link(appeal_url)),
        to.say(
            "Your receipt, which proves to anybody what we wrote down: {url}",
            url=f"{appeal_url}/receipt",
        ),
    )


def it_of(decision: Decision, language: str = "en") -> str:
    """Say what it is about, so that a person who posts a lot knows which of it."""
    if decision.item is None:
        return translate(language, "your account")
    at = decision.content_at
    return translate(language, "what you posted on {day} at {time} UTC",
                     day=day_in(language, at), time=time_in(language, at))  # fmt: skip
