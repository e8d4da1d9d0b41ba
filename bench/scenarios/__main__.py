"""`make scenarios`: how many patterns of harm are found, and how often others are meant wrongly.

Thresholds and rules were chosen on the seeds of TUNING. What is printed is of those of HELD_OUT,
which nothing was chosen by. The last line is one JSON object.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.scenarios.benign import BENIGN
from bench.scenarios.harmful import HARMFUL
from bench.scenarios.judging import Outcome, judged, rules_of
from openhaven.policy import load
from openhaven.policy.shares import wilson
from openhaven.policy.shipped import find_pack

TUNING = range(40)
# Those from 1,000,000 on were looked at once, and a rule was changed for what they showed.
HELD_OUT = range(2_000_000, 2_000_100)


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make scenarios", description=__doc__)
    parser.add_argument("--towns", type=int, default=len(HELD_OUT), help="towns of each scenario")
    parser.add_argument("--tuning", action="store_true", help="the seeds that were tuned on")
    parser.add_argument("--rules", action="store_true", help="which rules spoke, too")
    given = parser.parse_args()
    seeds = (TUNING if given.tuning else HELD_OUT)[: given.towns]
    _print(json.dumps(report(seeds, by_rule=given.rules)))
    return 0


def report(seeds: Sequence[int], *, by_rule: bool = False) -> dict[str, Any]:
    """Run all scenarios on these seeds, print tables, and return the figures."""
    pack = load(find_pack("child-safety"))
    figures: dict[str, Any] = {"seeds": [seeds[0], seeds[-1]], "pack": pack.fingerprint}
    harmful = {name: judged(name, build, seeds, pack) for name, build in HARMFUL.items()}
    benign = {name: judged(name, build, seeds, pack) for name, build in BENIGN.items()}
    _print("Harm: share found (95 %), contacts until then (median), bystanders meant wrongly")
    figures["recall"] = {name: _recall(name, found) for name, found in harmful.items()}
    _print("No harm: share meant wrongly (95 %)")
    figures["false_alarms"] = {name: _wrong(name, found) for name, found in benign.items()}
    everybody = [one for found in benign.values() for one in found]
    figures["false_alarms_all"] = _wrong("all of them", everybody)
    groups: dict[str, Callable[[Outcome], str]] = {
        "age": lambda one: one.person.band,
        "age_shown": lambda one: one.person.shown,
        "language": lambda one: one.person.language,
        "country": lambda one: one.person.country,
    }
    for group, of in groups.items():
        _print(f"No harm, by {group}")
        names = sorted({of(one) for one in everybody})
        figures[f"false_alarms_by_{group}"] = {
            name: _wrong(name, [one for one in everybody if of(one) == name]) for name in names
        }
    if by_rule:
        for name, found in (harmful | benign).items():
            _print(f"{name}: {dict(rules_of(found).most_common())}")
    return figures


def _recall(name: str, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    outcomes = list(outcomes)
    guilty = [one for one in outcomes if one.person.harmful]
    others = [one for one in outcomes if not one.person.harmful]
    found = [one for one in guilty if one.found]
    share, wrong = _share(found, guilty), _share([one for one in others if one.found], others)
    reached = statistics.median(one.reached for one in found) if found else None
    _print(f"  {name:18} {_said(share)}  after {reached}  others {_said(wrong)}")
    return share | {"contacts_until": reached, "others": wrong}


def _wrong(name: str, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return the share of all who are meant wrongly, and of those alone who approached a child."""
    outcomes = list(outcomes)
    wrong = [one for one in outcomes if one.found]
    share = _share(wrong, outcomes)
    approaching = [one for one in outcomes if one.approached]
    among = _share([one for one in wrong if one.approached], approaching)
    _print(f"  {name:18} {_said(share)}  of those who approached a child {_said(among)}")
    return share | {"approaching": among}


def _share(hits: Sequence[Outcome], of: Sequence[Outcome]) -> dict[str, Any]:
    found = wilson(len(hits), len(of))
    low, high, share = (
        None if one is None else round(one, 5) for one in (found.low, found.high, found.share)
    )
    return {"hits": found.hits, "of": found.of, "share": share, "low": low, "high": high}


def _said(share: dict[str, Any]) -> str:
    if share["share"] is None:
        return "none"
    return "{share:7.2%} ({low:.2%} to {high:.2%}; {hits} of {of})".format(**share)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
