"""Generated worlds: accounts with evidence of their age and choices, as the snapshot holds them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from openhaven.protections import Check, Choice, Evidence, Party, Profile, Question, Relation, load
from openhaven.protections.accounts import gathered
from openhaven.protections.model import ACTIONS, BANDS, SCALES, Role, Source
from openhaven.protections.wording import Words

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
TODAY = NOW.date()
DEFAULTS, FILES = load()
CHECK = Check(DEFAULTS, Words(FILES))
CELLS = DEFAULTS.table["*"]["unknown"]
COUNTRIES = ("GB", "US", "AU", "DE", "JP", None)
CONTACTS = ("message.send", "call.start", "contact.request", "group.add")
# Whatever is between two accounts and asks the other end.
BETWEEN = (*CONTACTS, "comment.create", "livestream.view", "profile.discover", "recommend.account",
           "media.download")  # fmt: skip

days = st.dates(TODAY - timedelta(days=2_000), TODAY)
evidence = st.builds(
    Evidence,
    source=st.sampled_from(get_args(Source)),
    band=st.sampled_from(BANDS),
    day=days,
    expires=st.none() | st.dates(TODAY - timedelta(days=10), TODAY + timedelta(days=900)),
)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """Return a choice as it might be stored, allowed or not."""
    feature = draw(st.sampled_from(sorted(CELLS)))
    value = draw(st.sampled_from(SCALES[CELLS[feature].scale]))
    role = draw(st.sampled_from(get_args(Role)))
    return Choice(feature, role, value, draw(st.booleans()))


profiles = st.builds(
    lambda said, chosen, country: Profile(
        subject="per_x", country=country, evidence=tuple(said), choices=gathered(chosen)
    ),
    st.lists(evidence, max_size=4),
    st.lists(choices(), max_size=8),
    st.sampled_from(COUNTRIES),
)
actions = st.sampled_from(ACTIONS)
bands = st.sampled_from((*BANDS, "unknown"))


def party(name: str, band: Any = "unknown") -> Party:
    return Party(id=name, age_band=band)


def asked(action: Any, **more: Any) -> Question:
    """Return a question between `s` and `r`."""
    given: dict[str, Any] = {"sender": party("s"), "recipient": party("r"), "at": NOW} | more
    return Question(action=action, **given)


def aged(band: str, *chosen: Choice, country: str | None = None) -> Profile:
    """Return the profile of an account whose age was proved."""
    said = () if band == "unknown" else (Evidence("proof", band, date(2026, 11, 1)),)  # type: ignore[arg-type]
    return Profile(subject="per_y", country=country, evidence=said, choices=gathered(chosen))


BLOCKED = Relation(connected=False, blocked=True)
