"""Life on Plaza: a dozen personas who post, comment, write, report and appeal, all by a seed.

It begins quickly, so that something happens within seconds, slows down after three minutes and
stops at a cap. How far it came is stored, so a restart goes on where it was.
"""

import random
from collections.abc import Callable
from threading import Event

from plaza import cast, pictures, store
from plaza.actions import Draft, Plaza, Unfit
from plaza.appealing import appeal
from plaza.model import Account, Item
from plaza.openhaven import Openhaven

CAP = 600
_ROUND = 90
_PATIENCE = 40
_WORDS_OF_APPEAL = (
    "I think this was a misunderstanding: I meant it kindly. Please have somebody look at it again."
)


class Generator:
    """One thread's work. `step` is a whole number from 0 to `CAP`, stored after each step."""

    def __init__(self, plaza: Plaza, haven: Openhaven, seed: str = "plaza") -> None:
        self._plaza = plaza
        self._store = plaza.store
        self._haven = haven
        self._seed = seed

    def run(self, stop: Event) -> None:
        """Let everybody join, then take one step after the other until `stop` is set or the end."""
        for who in cast.people():
            self._plaza.join(who)
        step = int(store.fact(self._store, "generator") or 0)
        while step < CAP and not stop.is_set():
            # Nothing is piled up while Openhaven is away.
            if len(store.waiting(self._store, _PATIENCE)) < _PATIENCE:
                self.take(step)
                step += 1
                self._plaza.note_fact("generator", str(step))
            stop.wait(pause(step))

    def take(self, step: int) -> None:
        """Do what happens at this step; doing it twice after a crash publishes nothing twice."""
        chance = random.Random(f"{self._seed}:{step}")  # noqa: S311
        scene = cast.SCENES.get(step % _ROUND)
        who = self._somebody(chance, scene.who if scene else "")
        try:
            if scene:
                self._plant(step, scene, who)
            else:
                self._daily_life(step, who, chance)
        except Unfit:
            return  # somebody deleted or blocked what this step was about

    def _somebody(self, chance: random.Random, wanted: str) -> Account:
        wishes = [wanted] if wanted else cast.generated()
        free = [id_ for id_ in wishes if not store.suspended(self._store, id_)]
        who = store.account(self._store, chance.choice(free or cast.generated()))
        if who is None:
            raise Unfit("Nobody is here yet.")
        return who

    def _plant(self, step: int, scene: cast.Scene, who: Account) -> None:
        id_ = f"post-g{step:04}"
        if scene.kind == "picture":
            draft = Draft("post", scene.text, pictures.planted_variant(), scene.alt,
                          planted=scene.planted, id=id_, language="en")  # fmt: skip
            self._plaza.publish(who, draft)
        elif scene.kind == "text":
            draft = Draft("post", scene.text, planted=scene.planted, id=id_, language="en")
            self._plaza.publish(who, draft)
        elif scene.kind == "report":
            self._report(who, scene)
        elif scene.kind == "appeal":
            self._appeal()

    def _report(self, who: Account, scene: cast.Scene) -> None:
        others = [post for post in self._recent() if post.account != who.id and not post.planted]
        if others:
            self._plaza.report(who, {"item": others[0].id}, "spam", scene.text)

    def _appeal(self) -> None:
        """Let the first persona with an unanswered notice contest it."""
        for id_ in cast.generated():
            for notice in store.notices_of(self._store, id_):
                url = notice.appeal_url or ""
                ours = url.startswith(self._haven.url + "/") and notice.appealed_at is None
                if ours and appeal(url, _WORDS_OF_APPEAL):
                    self._plaza.note_appeal(notice.seq)
                    return

    def _daily_life(self, step: int, who: Account, chance: random.Random) -> None:
        kinds: list[tuple[int, Callable[[int, Account, random.Random], None]]] = [
            (10, self._post), (4, self._picture), (4, self._comment), (2, self._message),
            (1, self._contact),
        ]  # fmt: skip
        weights = [weight for weight, _ in kinds]
        chance.choices([do for _, do in kinds], weights)[0](step, who, chance)

    def _post(self, step: int, who: Account, chance: random.Random) -> None:
        text = cast.small_talk(who.language, chance)
        self._plaza.publish(who, Draft("post", text, id=f"post-g{step:04}"))

    def _picture(self, step: int, who: Account, chance: random.Random) -> None:
        picture, alt = pictures.benign(f"{self._seed}:{step}")
        text = cast.small_talk(who.language, chance)
        draft = Draft("post", text, picture, f"{alt} (drawn by a program)", id=f"post-g{step:04}")
        self._plaza.publish(who, draft)

    def _comment(self, step: int, who: Account, chance: random.Random) -> None:
        posts = [post for post in self._recent() if post.account != who.id]
        if posts:
            text = cast.reply(who.language, chance)
            parent = chance.choice(posts).id
            self._plaza.publish(
                who, Draft("comment", text, parent=parent, id=f"comment-g{step:04}")
            )

    def _message(self, step: int, who: Account, chance: random.Random) -> None:
        other = self._other(who, chance)
        text = cast.small_talk(who.language, chance)
        draft = Draft("message", text, recipient=other, id=f"message-g{step:04}")
        self._plaza.publish(who, draft)

    def _contact(self, _step: int, who: Account, chance: random.Random) -> None:
        other = store.account(self._store, self._other(who, chance))
        if other:
            asked = store.relation(self._store, other.id, who.id) == "asked"
            self._plaza.contact(who, other, "accept" if asked else "request")

    def _other(self, who: Account, chance: random.Random) -> str:
        return chance.choice([id_ for id_ in cast.generated() if id_ != who.id])

    def _recent(self) -> list[Item]:
        return [post for post in store.stream(self._store, 1 << 60, 12) if post.public]


def pause(step: int) -> float:
    """Return how many seconds to wait after a step: 2 at first, then 10, in the end 45."""
    return 2.0 if step < _ROUND else 10.0 if step < 2 * _ROUND else 45.0
