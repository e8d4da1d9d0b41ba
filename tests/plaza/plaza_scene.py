"""A running Plaza for tests: on a real socket, with a small real server in Openhaven's place."""

import base64
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
import uvicorn
from standardwebhooks import Webhook
from starlette.types import ASGIApp

from openhaven.client import Client
from openhaven.protections import load
from openhaven.protections.handed import Handed
from openhaven.protections.model import STRANGER
from openhaven.protections.wording import Words
from plaza import app
from plaza.app import House, application, build
from plaza.openhaven import Openhaven
from plaza.settings import Settings
from ports import free_port

# In service nobody waits long for Openhaven; here an answer is waited for however slow the machine.
Openhaven.__init__.__defaults__ = (300.0,)
vars(app)["Client"] = lambda url, key, seconds: Client(url, key, seconds=max(seconds, 300.0))

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
HELD = "snorvel"
OUTCOMES = {
    "grimzorble": "block", "zorgblat": "remove", "flumquist": "review", "bait": "restrict",
    HELD: "review",
}  # fmt: skip


class Double:
    """Answers like Openhaven's public API, by the words in `OUTCOMES`; remembers what it was told.

    `mood` is fine, slow (202 instead of a verdict), broken (500) or strict (400).
    """

    def __init__(self, port: int = 0) -> None:
        self.mood = "fine"
        self.events: dict[str, Any] = {}
        self.media: list[bytes] = []
        self.reports: list[Any] = []
        self.outcomes: dict[str, Any] = {}
        self.notices: dict[str, Any] = {}
        self.asked = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        self.asked += 1
        if self.mood == "broken":
            return 500, {"title": "Broken"}
        if self.mood == "strict" and path.startswith(("/v1/events?", "/v1/media")):
            return 400, {"title": "The text cannot be read.", "detail": "at `$.item.text`"}
        if path.startswith("/v1/events"):
            return self._event(path, json.loads(body))
        if path == "/v1/protections/snapshot":
            return 200, self._snapshot(json.loads(body))
        if path == "/v1/media":
            self.media.append(body)
            return 201, {"id": f"med_{len(self.media)}", "type": "image/png"}
        if path == "/v1/reports":
            self.reports.append(json.loads(body))
            return 201, {"receipt": f"r-{len(self.reports)}", "status_url": "/report/x"}
        if path.startswith("/v1/reports/"):
            return 200, {"state": "decided", "outcome": "remove", "help": ["fraud"]}
        if path.endswith("/statement"):
            notice = self.notices.get(path.split("/")[3])
            if notice is None:
                return 404, {"title": "There is no such decision."}
            return 200, {"clause": {"title": "Be kind"}, "notice": notice, "facts": "…"}
        if path.endswith("/outcome"):
            self.outcomes[path.split("/")[3]] = json.loads(body)
            return 200, {"id": path.split("/")[3]}
        return 404, {"title": "Nothing here", "method": method}

    def _snapshot(self, wanted: Any) -> Any:
        """Hand over what ships, and nothing of anybody: ages are what the questions say."""
        defaults, files = load()
        made = Handed(
            profiles=dict.fromkeys(wanted["accounts"], STRANGER), changed=(), cursor=1,
            data=defaults.fingerprint, defaults=defaults, languages=Words(files).sentences(),
        )  # fmt: skip
        return msgspec.to_builtins(made)

    def _event(self, path: str, event: Any) -> tuple[int, Any]:
        known = self.events.setdefault(event["id"], event)
        if known != event:
            return 409, {"title": "Another body under this id."}
        if self.mood == "slow" or not path.endswith("wait=verdict"):
            return 202, {"id": event["id"], "status": 202}
        text = event.get("item", {}).get("text", "")
        outcome = next((o for word, o in OUTCOMES.items() if word in text), "allow")
        reasons = [] if outcome == "allow" else [{"rule": "r", "clause": "be-kind", "findings": []}]
        hold = HELD in text
        free = outcome in ("allow", "review") and not hold
        decision = None if free else f"dec_{event['id']}"
        return 200, {"event": event["id"], "outcome": outcome, "reasons": reasons, "pack": "p",
                     "help": ["suicide"] if "disappear" in text else [], "decision": decision,
                     "hold": hold, "task": None}  # fmt: skip

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                if self.headers.get("authorization") != "Bearer oh_key":
                    status, value = 401, {"title": "Wrong key"}
                else:
                    status, value = double.answer(self.command, self.path, self.rfile.read(size))
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        return Handler


class Site:
    """Any application on a real socket, in a thread."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        config = uvicorn.Config(app, port=port, log_level="warning", access_log=False,
                                loop="asyncio")  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(300)


class Running:
    """A Plaza that listens, with its threads, until `stop`."""

    def __init__(
        self,
        home: Path,
        haven: str,
        *,
        generator: bool = False,
        key: str = "oh_key",
        secret: str = SECRET,
        port: int = 0,
    ) -> None:
        port = port or free_port()
        self.settings = Settings(openhaven_url=haven, openhaven_key=key, webhook_secret=secret,
                                 home=home, port=port, generator=generator)  # fmt: skip
        self.house: House = build(self.settings)
        self._site = Site(application(self.house), port)
        self.url = self.settings.url
        self.stop = self._site.stop

    def act(self, verb: str, decision: str = "dec_1", **more: Any) -> dict[str, Any]:
        """Return an act about an item or an account, as it would arrive."""
        subject = {kind: more.pop(kind) for kind in ("item", "account") if kind in more}
        act = {"id": f"act_{time.monotonic_ns()}", "verb": verb, "subject": subject}
        return act | {"decision": decision, "until": None, "reverses": None} | more

    def deliver(self, act: dict[str, Any], **forged: Any) -> int:
        """Deliver an act as Openhaven does, or forged in some respect; returns the status."""
        return deliver(f"{self.url}/openhaven/acts", act, **({"secret": SECRET} | forged))


def deliver(url: str, act: dict[str, Any], secret: str, **forged: Any) -> int:
    """Send a signed act to a webhook and return the status."""
    body = json.dumps(act).encode()
    at = forged.get("at", datetime.now(UTC))
    signature = Webhook(secret).sign(act["id"], at, body.decode())
    headers = {"webhook-id": act["id"], "webhook-timestamp": str(int(at.timestamp())),
               "webhook-signature": signature} | forged.get("headers", {})  # fmt: skip
    return urllib3.request("POST", url, body=forged.get("body", body), headers=headers).status


class Visitor:
    """A browser without a screen: keeps cookies, follows redirects, names its origin."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookie = ""
        self.at = ""
        self._http = urllib3.PoolManager(retries=False)

    def get(self, path: str) -> str:
        return self._go("GET", path)[1]

    def status(self, path: str) -> int:
        return self._go("GET", path)[0]

    def send(self, path: str, picture: bytes = b"", **fields: str) -> str:
        return self.post(path, picture, **fields)[1]

    def post(self, path: str, picture: bytes = b"", **fields: str) -> tuple[int, str]:
        if picture:
            parts: dict[str, Any] = dict(fields) | {"picture": ("p.png", picture, "image/png")}
            body, kind = urllib3.encode_multipart_formdata(parts)
        else:
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        return self._go("POST", path, body, {"content-type": kind, "origin": self.url})

    def be(self, account: str) -> "Visitor":
        self.send("/enter", account=account)
        return self

    def _go(self, method: str, path: str, body: bytes = b"",
            headers: dict[str, str] | None = None) -> tuple[int, str]:  # fmt: skip
        cookie = {"cookie": self.cookie} if self.cookie else {}
        answer = self._http.request(method, self.url + path, body=body, redirect=False,
                                    headers=(headers or {}) | cookie)  # fmt: skip
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        if answer.status == 303:
            return self._go("GET", urlsplit(answer.headers["location"])._replace(
                scheme="", netloc="", fragment="").geturl())  # fmt: skip
        self.at = path
        return answer.status, answer.data.decode()


def until(happens: Callable[[], Any], seconds: float = 300.0) -> Any:
    """Wait until something is true and return it; fails after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happens():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
