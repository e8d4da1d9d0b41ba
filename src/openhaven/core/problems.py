"""Errors for a person: what happened, what it means, what to do next (RFC 9457 at the edge)."""

from collections.abc import Mapping


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """An error that a tired person can act on.

    `code` is stable and short (`event.conflict`), `title` one plain sentence, `detail` what is
    special this time (never a secret or content), `next_step` what to do, `status` the HTTP status
    that the web edge answers with. A command ends with exit code 1 (2 for wrong usage).

    `values` fill places such as `{seconds}` in the sentences. What a person may meet on a page is
    marked for the catalogues (`core.words.mark`), and `unfilled` keeps it as it stands there.
    """

    def __init__(
        self, code: str, title: str, detail: str = "", *, status: int = 400, next_step: str = "",
        values: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        self.unfilled = (title, detail, next_step)
        self.values = dict(values or {})
        self.title, self.detail, self.next_step = (
            text.format_map(self.values) if self.values else text for text in self.unfilled
        )
        super().__init__(f"{self.title} {self.detail}".strip())
        self.code = code
        self.status = status

    def body(self) -> dict[str, str | int]:
        """Return the problem as the members of RFC 9457, without empty ones."""
        members: dict[str, str | int] = {
            "type": f"urn:openhaven:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "next": self.next_step,
        }
        return {name: value for name, value in members.items() if value != ""}
