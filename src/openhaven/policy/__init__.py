"""The policy: rules as text files, checked before use, fingerprinted, and judged purely.

A pack is a folder: `pack.toml` (whose it is), `policy.md` (clauses in plain words, which people
read in notices), `rules.yaml` (conditions with outcomes), `terms/*.txt` and `links/*.txt` (lists
that the signals look for) and `examples.yaml` (what must match and what must not). `load` checks
all of it and says every mistake with its line and a caret; a broken pack is never in force.
`Pack.evaluate` turns an event and its findings into a verdict with reasons. A signal that failed
is *unknown*, never "no match": each rule says what then happens. `register` keeps the files of a
pack for good, so that `clause_as_it_stood` can show what was decided on.
"""

from openhaven.policy import backtest, publishing
from openhaven.policy.actions import register
from openhaven.policy.examples import Tried, check_examples, run_examples
from openhaven.policy.features import forget_features, keep
from openhaven.policy.holder import InForce, Packs, in_force
from openhaven.policy.load import load
from openhaven.policy.measuring import measure_with
from openhaven.policy.model import STRENGTH, Clause, Reason, Rule, Then, Verdict
from openhaven.policy.pack import Manifest, Pack
from openhaven.policy.places import BrokenPack, PackError
from openhaven.policy.shipped import find_pack, shipped
from openhaven.policy.standing import (
    NUMBERS,
    Standing,
    fall_back,
    fallen,
    forget_counts,
    lift,
    rein_in,
    standing,
    sum_up,
    tally,
)
from openhaven.policy.store import clause_as_it_stood, pack_as_it_stood
from openhaven.policy.within import outcome_within

__all__ = [
    "NUMBERS",
    "STRENGTH",
    "BrokenPack",
    "Clause",
    "InForce",
    "Manifest",
    "Pack",
    "PackError",
    "Packs",
    "Reason",
    "Rule",
    "Standing",
    "Then",
    "Tried",
    "Verdict",
    "backtest",
    "check_examples",
    "clause_as_it_stood",
    "fall_back",
    "fallen",
    "find_pack",
    "forget_counts",
    "forget_features",
    "in_force",
    "keep",
    "lift",
    "load",
    "measure_with",
    "outcome_within",
    "pack_as_it_stood",
    "publishing",
    "register",
    "rein_in",
    "run_examples",
    "shipped",
    "standing",
    "sum_up",
    "tally",
]
