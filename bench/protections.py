"""`python -m bench.protections`: how long a check takes, alone and over HTTP.

In process: one check of a question already decoded, over profiles with evidence and choices. Over
HTTP: one `openhaven serve` with its bundled PostgreSQL, and one process that asks at a steady rate
beside it, about 2,000 accounts: once in lists of 20 (a page that is shown, a group that is made),
once with single questions. The last line is one JSON object; `http_checks_per_s` and `http_p99_ms`
are those of the lists, `single` tells of single questions. `serve_us` and `asker_us` are the
microseconds of a processor that one request costs on either side: with other work on the machine
they stay what they are, while the milliseconds grow.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import msgspec

from bench import checker, tree
from bench.load import quantile
from openhaven.protections import Check, Evidence, Profile, Question, load
from openhaven.protections.model import Choices
from openhaven.protections.wording import Words

_ACCOUNTS = 2_000
_LIST = 20
_BANDS = ("under-13", "13-15", "16-17", "18-plus")


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make bench-protections", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each load")
    parser.add_argument("--rate", type=float, default=2_100, help="single checks a second")
    parser.add_argument("--lists", type=float, default=125, help="lists of 20 a second")
    given = parser.parse_args()
    alone = _in_process()
    _say(f"in process: {alone:.1f} us a check")
    with tree.fresh() as served:
        served.start("run", f"{served.url}/readyz")
        key = served.call("keys", "create", "bench").split()[-1]
        _people(served.url, key)
        _ask(served.url, key, 500, 1, 2.0)
        before = served.work()["openhaven serve"]
        single = _ask(served.url, key, given.rate, 1, given.seconds)
        worked = served.work()["openhaven serve"] - before
        lists = _ask(served.url, key, given.lists, _LIST, given.seconds)
    figures = {
        "in_process_us": round(alone, 2),
        "http_checks_per_s": round(_LIST * len(lists.ms) / lists.seconds),
        "http_p99_ms": round(quantile(lists.ms, 0.99), 2),
        "single": {
            "http_checks_per_s": round(len(single.ms) / single.seconds),
            "http_p99_ms": round(quantile(single.ms, 0.99), 2),
            "serve_us": round(worked / len(single.ms) * 1e6),
            "asker_us": round(single.work / len(single.ms) * 1e6),
        },
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _in_process(rounds: int = 20_000) -> float:
    """Return the microseconds of one check: the median of five runs over different questions."""
    defaults, files = load()
    check, now = Check(defaults, Words(files)), datetime.now(UTC)
    questions = [msgspec.json.decode(checker.body(n, 1, 50), type=Question) for n in range(200)]
    choices = {"contact.requests": Choices(child=1), "dm.from_non_connections": Choices(carer=1)}
    people = [
        Profile(subject="per", country="GB", choices=choices,
                evidence=(Evidence("declared", band, now.date()),  # type: ignore[arg-type]
                          Evidence("estimate", "16-17", now.date())))
        for band in _BANDS
    ]  # fmt: skip
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        for number in range(rounds):
            check.answer(questions[number % 200], people[number % 4], people[number // 4 % 4], now)
        taken.append((time.perf_counter() - began) / rounds * 1e6)
    return sorted(taken)[2]


def _people(url: str, key: str) -> None:
    """Tell of the accounts by events, as a platform does."""
    import urllib3

    http = urllib3.PoolManager(retries=False, timeout=30)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    now = datetime.now(UTC).isoformat()
    for first in range(0, _ACCOUNTS, 500):
        events = [
            {"id": f"e{number}", "kind": "account.create", "at": now,
             "account": {"id": f"b{number}", "age_band": _BANDS[number % 4], "country": "GB"}}
            for number in range(first, first + 500)
        ]  # fmt: skip
        reply = http.request("POST", f"{url}/v1/events", body=json.dumps(events), headers=headers)
        if reply.status != 200:
            raise RuntimeError(f"the events were not taken: {reply.status}")
    time.sleep(3.0)


def _ask(url: str, key: str, rate: float, size: int, seconds: float) -> checker.Seen:
    order = checker.Order(url, key, 8, rate, size, seconds, _ACCOUNTS)
    done = subprocess.run(
        (sys.executable, "-m", "bench.checker"), input=msgspec.json.encode(order),
        capture_output=True, check=False,
    )  # fmt: skip
    seen = msgspec.json.decode(done.stdout, type=checker.Seen)
    if seen.failed:
        raise RuntimeError(f"a check was not answered: {seen.failed[0]}")
    _say(f"{rate:.0f} requests a second of {size}: {len(seen.ms) / seen.seconds:.0f} answered, "
         f"p50 {quantile(seen.ms, 0.5):.2f} ms, p99 {quantile(seen.ms, 0.99):.2f} ms")  # fmt: skip
    return seen


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
