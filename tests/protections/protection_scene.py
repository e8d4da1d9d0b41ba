"""A platform that asks: questions by name, over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from line_scene import Scene, scene
from web_scene import Place, Reply, serving

if TYPE_CHECKING:
    from openhaven.line import Haven


class Asker:
    """A platform with its key and an address to ask at."""

    def __init__(self, at: Scene, place: Place) -> None:
        self.scene = at
        self.place = place
        self._headers = {"authorization": f"Bearer {at.key}"}

    def check(self, body: Any) -> Reply:
        return self.place.post_json("/v1/protections/check", body, **self._headers)

    def get(self, account: str, query: str = "") -> Reply:
        return self.place.ask("GET", f"/v1/protections/{account}{query}", headers=self._headers)

    def put(self, path: str, body: Any = None) -> Reply:
        raw = b"" if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        return self.place.ask("PUT", f"/v1/protections/{path}", raw, {**self._headers, **kind})

    def delete(self, path: str) -> Reply:
        return self.place.ask("DELETE", f"/v1/protections/{path}", headers=self._headers)

    def age(self, account: str, band: str, source: str = "declared", **more: Any) -> Reply:
        return self.put(f"{account}/age", {"source": source, "band": band, **more})

    def set(self, account: str, feature: str, value: str, by: str = "child", **more: Any) -> Reply:
        return self.put(f"{account}/settings/{feature}", {"value": value, "by": by, **more})

    def setting(self, account: str, feature: str) -> dict[str, Any]:
        found = self.get(account).json["settings"]
        return next(one for one in found if one["feature"] == feature)


@contextmanager
def asking(haven: "Haven") -> Iterator[Asker]:
    """Serve the house, with a platform that may ask."""
    at = scene(haven)
    with serving(haven) as place:
        yield Asker(at, place)


def question(action: str, sender: str | None, recipient: str | None, **more: Any) -> dict[str, Any]:
    """Return the body of a question between two accounts that are named only."""
    ends = {"from": sender, "to": recipient}
    return {"action": action, **{end: {"id": who} for end, who in ends.items() if who}, **more}
