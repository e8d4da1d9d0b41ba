"""Plaza asks before something happens: every check of Openhaven, and what each side is told.

The client answers in this process, so that a page may ask as often as it likes. Each side is shown
its own words only; who tried something learns nothing of why it cannot be.
"""

from datetime import UTC, datetime, timedelta

from openhaven.client import Answer, Client, Party, Question, Refused, Unreachable, ask
from plaza import store
from plaza.model import Account, Deed, now
from plaza.store import Store

# What can be tried, in the words of the page: with somebody, alone, or shown to oneself.
WITH = {
    "message.send": "Write a message to them", "call.start": "Call them",
    "contact.request": "Ask them for contact", "group.add": "Add them to a group",
    "comment.create": "Comment on their post", "livestream.view": "Watch their live stream",
    "location.share": "Show them where I am", "profile.discover": "Find their profile",
    "recommend.account": "Be shown them as a suggestion", "media.download": "Save their picture",
}  # fmt: skip
ALONE = {
    "livestream.start": "Go live", "purchase.random_item": "Buy a surprise box",
    "content.view": "Look at a post that is not for everybody",
}  # fmt: skip
SHOWN = {
    "notification.push": "Get a notification", "feed.personalised": "Get a stream sorted for me",
    "autoplay": "Have films start by themselves", "recommend.content": "Be shown such posts",
    "ad.profiled": "See ads chosen from what I do", "ad.contextual": "See ads that fit the page",
}  # fmt: skip
WORDS = WITH | ALONE | SHOWN
CONTENT = {
    "general": "an everyday post", "health_information": "a post on health",
    "identity_information": "a post on who one is", "priority": "a post that can upset",
    "primary_priority": "a post for adults only",
}  # fmt: skip
# A yes to these makes two people connected.
_JOINS = ("contact.request", "message.send")


class Safety:
    """What may happen between the people of Plaza."""

    def __init__(self, kept: Store, client: Client) -> None:
        self.store = kept
        self.client = client

    def may(
        self, action: str, me: Account, other: Account | None = None, *, hour: int = 12,
        content: str = "general",
    ) -> Answer:  # fmt: skip
        """Return whether `me` may do this (to `other`), or may be shown it at this hour."""
        return self.client.check_all([self.question(action, me, other, hour, content)])[0]

    def open_to(self, action: str, me: Account, others: list[Account]) -> list[Account]:
        """Return those to whom `me` may do this at once."""
        asked = [self.question(action, me, other, 12, "general") for other in others]
        answers = self.client.check_all(asked) if asked else []
        return [who for who, one in zip(others, answers, strict=True) if one.allowed]

    def question(
        self, action: str, me: Account, other: Account | None, hour: int, content: str
    ) -> Question:
        """Return the question as Openhaven wants it: ids, and what the accounts say themselves."""
        first, second = party(me), party(other) if other else None
        if action in SHOWN:
            first, second = None, first  # type: ignore[assignment]
        forth = store.relation(self.store, me.id, other.id) if other else ""
        back = store.relation(self.store, other.id, me.id) if other else ""
        return ask(
            action, first, second,  # type: ignore[arg-type]
            connected="accepted" in (forth, back), blocked="blocked" in (forth, back),
            at=_local(hour) if action == "notification.push" else None,
            language=me.language, content=content,  # type: ignore[arg-type]
        )  # fmt: skip

    def attempt(
        self, action: str, me: Account, other: Account | None = None, *, hour: int = 12,
        content: str = "general",
    ) -> Answer:  # fmt: skip
        """Ask, and keep what each side is told; `clause` goes nowhere that people look."""
        answer = self.may(action, me, other, hour=hour, content=content)
        mine = answer.recipient if action in SHOWN else answer.sender
        theirs = answer.recipient if other and action not in SHOWN else None
        topics = ",".join(theirs.help) if theirs else ""
        with self.store.begin() as db:
            db.execute(
                "INSERT INTO deeds (action, account, other, answer, said, told, code, help, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (action, me.id, other.id if other else None, answer.answer, mine.text,
                 theirs.text if theirs else "", theirs.code if theirs else "", topics, now()),
            )  # fmt: skip
        return answer

    def reply(self, me: Account, deed: Deed, *, yes: bool) -> None:
        """Answer what one was asked; a yes to a contact or a message connects the two."""
        with self.store.begin() as db:
            changed = db.execute(
                "UPDATE deeds SET reply = ? WHERE seq = ? AND other = ? AND reply IS NULL",
                ("yes" if yes else "no", deed.seq, me.id),
            ).rowcount
            if changed and yes and deed.action in _JOINS:
                sql = "INSERT OR REPLACE INTO contacts (account, other, state, at)"
                for pair in ((me.id, deed.account), (deed.account, me.id)):
                    db.execute(f"{sql} VALUES (?, ?, 'accepted', ?)", (*pair, now()))

    def age_page(self, me: Account) -> str:
        """Return where one can say that one's age is wrong; nothing when nobody can say."""
        try:
            return self.client.settings(me.id, me.language).appeal_url or ""
        except (Refused, Unreachable):
            return ""


def party(who: Account) -> Party:
    """Return an account as a check names it."""
    return Party(id=who.id, age_band=who.age_band, country=who.country, language=who.language)  # type: ignore[arg-type]


def _local(hour: int) -> datetime:
    """Return today at this hour; the demo's people all live on UTC."""
    today = datetime.now(UTC)
    at = today.replace(hour=hour, minute=0, second=0, microsecond=0)
    return at - timedelta(days=1) if at - today > timedelta(hours=20) else at
