"""What a reviewer reads of a sign: one plain sentence, with the numbers in it. Pure."""

_SPANS = {"1h": "hour", "1d": "day", "7d": "7 days", "30d": "30 days"}
_AGES = {
    "under-13": "under 13",
    "13-15": "13 to 15",
    "16-17": "16 or 17",
    "18-plus": "18 or older",
}


def _times(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _ago(seconds: int) -> str:
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit:
            return f"{_times(seconds // unit, name)} ago"
    return f"{_times(seconds, 'second')} ago"


def many_children(number: int, span: str) -> str:
    """Say to how many children it turned within a span."""
    return (
        f"Within the last {_SPANS[span]}, this account contacted {number} different under-18s"
        " as a stranger."
    )


def few_answers(answered: int, approached: int) -> str:
    """Say how many of those answered."""
    return (
        f"Of {approached} under-18s that it contacted within 7 days, {answered}"
        f" {'has' if answered == 1 else 'have'} answered."
    )


def turned_away(number: int) -> str:
    """Say how many have blocked or reported it."""
    return f"Within 7 days, {number} accounts that are or may be under 18 blocked or reported it."


def new_account(days: int) -> str:
    """Say how new it is."""
    age = f"{_times(days, 'day')} old" if days else "less than a day old"
    return f"The account is {age} and contacts an under-18 as a stranger."


def cluster_burst(number: int, span: str) -> str:
    """Say how many of one group were asked."""
    return (
        f"Within one {_SPANS[span]}, it asked {number} accounts of one school or group for contact,"
        " without belonging to it."
    )


def burst(number: int) -> str:
    """Say how many were asked at all."""
    return f"Within one hour, it asked {number} accounts that are or may be under 18 for contact."


def age_gap(account: str, child: str) -> str:
    """Say how far apart they are."""
    who = f"It says {_AGES[account]}" if account in _AGES else "Its age is not known"
    return f"{who}; the other one is {_AGES.get(child, 'of unknown age')}."


def quick_to_private(minutes: int) -> str:
    """Say how soon it went private."""
    soon = _times(minutes, "minute") if minutes else "less than a minute"
    return f"It wrote privately {soon} after the two first had contact."


def after_block(seconds: int) -> str:
    """Say that it goes on after a block."""
    return f"The other one blocked it {_ago(seconds)}, and it tries again."


def asked_in_vain(number: int) -> str:
    """Say how often it asked."""
    return f"It has asked the same under-18 for contact {number} times and never got an answer."


def invites_many(number: int, span: str) -> str:
    """Say how many it invited elsewhere."""
    return (
        f"Within the last {_SPANS[span]}, it invited {number} accounts that are or may be under 18"
        " to another service."
    )


def invites_elsewhere() -> str:
    """Say that it invites elsewhere."""
    return "It invites an under-18 to go on in another service."


def long_private(number: int) -> str:
    """Say how much they wrote."""
    return f"The two exchanged {number} private messages within 30 days, and met as strangers."
