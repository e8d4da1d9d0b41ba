"""The words of requests for the public pages: kinds, data, states and grounds, to be translated."""

from openhaven.core.words import mark

KIND_WORDS: dict[str, str] = {
    "order": mark("Order or subpoena for records"),
    "warrant": mark("Warrant"),
    "emergency": mark("Emergency disclosure"),
    "preservation": mark("Preservation letter"),
    "epoc": mark("European Production Order (EPOC)"),
    "epoc-pr": mark("European Preservation Order (EPOC-PR)"),
    "removal": mark("Removal order"),
    "foreign": mark("Request from another country"),
}
CATEGORY_WORDS: dict[str, str] = {
    "subscriber": mark("Who an account belongs to"),
    "access": mark("Network addresses and their times"),
    "traffic": mark("When the account did what, without content"),
    "content": mark("What the account posted or sent"),
    "decisions": mark("Decisions about the account"),
    "evidence": mark("Sealed evidence"),
}
STATE_WORDS: dict[str, str] = {
    "received": mark("We have it, and find out who asks."),
    "authenticated": mark("We know who asks, and look at the law."),
    "checked": mark("We look at what may be given."),
    "narrowed": mark("We look at what may be given."),
    "asked": mark("A second person looks at it."),
    "approved": mark("It was agreed on. The answer is being made."),
    "produced": mark("It was answered."),
    "preserved": mark("What was asked for is kept."),
    "removed": mark("The order was carried out."),
    "refused": mark("It was refused."),
    "withdrawn": mark("It was withdrawn."),
}
GROUND_WORDS: dict[str, str] = {
    "not_authentic": mark("It does not come from who it says"),
    "form": mark("It is incomplete or has plain errors"),
    "no_basis": mark("No law that binds us asks for it"),
    "not_competent": mark("Who issued it may not ask for this"),
    "no_treaty": mark("It comes from another country, and by no treaty"),
    "too_wide": mark("It asks for more than the law allows"),
    "rights": mark("It would break people's rights"),
    "not_held": mark("We do not have what it asks for"),
    "gone": mark("It was withdrawn, or its time is over"),
    "other": mark("Another ground"),
}
OUTCOME_WORDS: dict[str, str] = {
    "open": mark("Being looked at"),
    "given": mark("Given as asked"),
    "given_part": mark("Given in part"),
    "preserved": mark("Kept, nothing was given"),
    "removed": mark("Order carried out"),
    "withdrawn": mark("Withdrawn by the authority"),
}
