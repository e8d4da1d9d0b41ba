"""What other systems call a harm is understood as this project's crosswalk says."""

import json
from pathlib import Path

from openhaven.core import HARMS
from openhaven.intake import category_of
from openhaven.intake.pages import CATEGORIES


def test_every_foreign_word_is_the_gravest_harm_that_it_can_mean(shared: Path) -> None:
    rows = json.loads((shared / "standards/taxonomy/crosswalk.json").read_text())["rows"]
    for word in ("atproto_reason", "dsa_keyword"):
        meant: dict[str, list[str]] = {}
        for row in rows:
            meant.setdefault(row[word], []).append(row["harm"])
        for foreign, harms in meant.items():
            if foreign == "KEYWORD_OTHER":
                continue
            gravest = max(HARMS[code].severity for code in harms)
            found = category_of(foreign)
            assert found in harms, foreign
            assert HARMS[found].severity == gravest, foreign


def test_every_category_of_the_form_is_a_harm_and_unknown_words_are_kept_as_other() -> None:
    assert {one.code for one in CATEGORIES} <= HARMS.keys()
    for word in ("", "KEYWORD_OTHER", "KEYWORD_X", "tools.ozone.report.defs#reasonX", "nonsense"):
        assert category_of(word) == "other"
    assert category_of("Hate speech") == "hate"
