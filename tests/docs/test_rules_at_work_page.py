"""What the page on rules at work shows is a rule that can be put in force."""

import re
from pathlib import Path

from openhaven.policy import load

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules-at-work.md"
MANIFEST = """name = "mine"
version = "1.0.0"
owner = "The tests"
languages = ["en"]
jurisdictions = ["*"]
include = ["starter"]
[fallback]
overturned = 0.2
at_least = 20
days = 30
"""


def test_the_rule_of_the_page_is_sound_and_its_label_can_be_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    reads = """- id: reads-it
  clause: no-tricks
  on: [post.create]
  when: '"baiting" in account.labels || "baiting" in item.labels'
  then: {outcome: remove, harm: scam}
  sample: 0.1
  daily_cap: 100
"""
    (tmp_path / "pack.toml").write_text(MANIFEST)
    (tmp_path / "rules.yaml").write_text(shown + reads)
    pack = load(tmp_path)
    assert {"new-and-busy", "reads-it"} <= {rule.id for rule in pack.rules}
    assert pack.fallback_of(pack.rules[-1]).at_least == 20
