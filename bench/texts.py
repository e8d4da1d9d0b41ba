"""Synthetic events: everyday sentences, benign, one in a hundred with a consequence.

What has a consequence uses the starter pack's made-up words and reserved addresses. Every event is
made from its number alone, so that each run sends the same.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
_ACCOUNTS = 3_000
_OPENINGS = (
    "Good morning everyone,", "Has anybody seen this?", "After three hours of rain", "Honestly,",
    "We finally finished the garden shed and", "Yesterday at the market", "Guten Morgen,",
    "Nach dem Training war ich müde, aber", "Ce soir on a mangé chez ma tante et", "Hoy por fin",
    "今日はとても天気がよかったので", "اليوم زرنا جدتي ثم", "Сегодня мы ходили в лес и",
)  # fmt: skip
_MIDDLES = (
    "the bread came out of the oven much darker than the recipe promised",
    "my little brother drew a horse with six legs and is very proud of it",
    "the bus was late again, so I read two chapters of a book about whales",
    "ich habe den Kuchen mit Äpfeln aus dem Garten gebacken",
    "nous avons joué aux cartes jusqu'à minuit",
    "compramos flores para la abuela y una maceta nueva",
    "the new library opens at nine and they still look for volunteers",
    "somebody left a blue umbrella at the bus stop near the school",
    "does anyone know how to get candle wax out of a wool jumper",
)
_ENDINGS = (
    "!", " 😀", ".", " — what do you think?", " (photos tomorrow)", " See you on Saturday.", "…",
    " More at https://garden.example/notes/spring?page=2", " #neighbours #weekend", " Danke!",
    " I wrote it all down here: www.slow-cooking.example/bread", " 🌧️🌧️", " Thanks, Sam.",
)  # fmt: skip
_CONSEQUENCES = (
    "Somebody wrote zorgblat here",
    "You won, go to https://free-coins-now.example/now",
    "what is a flumquist supposed to be",
)
_KINDS = ("post.create", "post.create", "comment.create", "comment.create", "message.send")
_COUNTRIES = ("GB", "DE", "FR", "ES", "JP", None)


def batches(run: str, total: int, size: int) -> Iterator[bytes]:
    """Return the bodies of `total` events in batches of `size`, with ids that begin with `run`."""
    for start in range(0, total, size):
        numbers = range(start, min(start + size, total))
        yield msgspec.json.encode([event(run, number) for number in numbers])


def event(run: str, number: int) -> dict[str, Any]:
    """Return event `number` of a run, ready for `POST /v1/events`."""
    chance = random.Random(f"{run}/{number}")  # noqa: S311 (nothing secret about it)
    # A few accounts write much and many write little.
    account = int(_ACCOUNTS * chance.random() ** 3)
    kind = chance.choice(_KINDS)
    made: dict[str, Any] = {
        "id": f"{run}-{number}",
        "kind": kind,
        "at": _AT,
        "account": {
            "id": f"account-{account}",
            "created_at": datetime(2025, 1 + account % 12, 1, tzinfo=UTC),
            "age_band": "18-plus" if account % 3 else "unknown",
            "country": _COUNTRIES[account % len(_COUNTRIES)],
        },
        "item": {"id": f"{run}-item-{number}", "type": "post", "text": _text(chance, number)},
        "device": {"id": f"device-{account}"},
        "context": {"client": "web"},
    }
    if kind == "message.send":
        made["target"] = {"account": {"id": f"account-{number % 50}"}}
        made["conversation"] = {"id": f"talk-{account % 500}", "visibility": "group"}
    return made


def _text(chance: random.Random, number: int) -> str:
    if number % 100 == 37:
        return chance.choice(_CONSEQUENCES)
    sentences = [
        f"{chance.choice(_OPENINGS)} {chance.choice(_MIDDLES)}{chance.choice(_ENDINGS)}"
        for _ in range(chance.choice((1, 1, 1, 2, 2, 5)))
    ]
    return " ".join(sentences)
