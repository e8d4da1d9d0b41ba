"""What a message to the owner of a rule says."""

from datetime import timedelta

import msgspec

# How long after each attempt that failed the next one is made; after the last there is none.
_WAITS = tuple(timedelta(minutes=one) for one in (1, 5, 30, 120, 600, 1_440, 2_880))


class Message(msgspec.Struct, frozen=True):
    """A message on its way out; `address` is empty where the pack names no contact."""

    fallback: str
    rule: str
    appeals: int
    overturned: int
    address: str
    attempts: int

    @property
    def title(self) -> str:
        """The line under which it stands among other letters."""
        return f"The rule “{self.rule}” only asks a person now"

    def text(self, url: str) -> str:
        """Return the whole of it; `url` is where the console answers."""
        return (
            f"The rule “{self.rule}” no longer acts by itself.\n\n"
            f"People appealed against what it decided: of {self.appeals} appeals that ended, "
            f"{self.overturned} were upheld. From now on it asks a person each time. Nothing is "
            "lost, but the queue grows.\n\n"
            "What to do:\n"
            f"1. See what it did: {url}/console/rules/rule/{self.rule}\n"
            "2. Change it in a draft, and try the draft over what happened (a back-test).\n"
            "3. When the reason is gone, let it act again on the same page, and say why.\n"
        )


def wait_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts (from 1), or None to give up."""
    return _WAITS[attempts - 1] if 0 < attempts <= len(_WAITS) else None
