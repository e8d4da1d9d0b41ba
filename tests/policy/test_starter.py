"""The pack that a new platform starts with: reports reach a person, known pictures stop."""

import pytest
from policy_scene import event, found

from openhaven.core import HARMS
from openhaven.policy import Pack, find_pack, load


@pytest.fixture(scope="module")
def starter() -> Pack:
    return load(find_pack("starter"))


def test_a_report_of_any_category_reaches_a_person(starter: Pack) -> None:
    for harm in (*HARMS, "something-else", None):
        context = {} if harm is None else {"category": harm}
        verdict = starter.evaluate(event("report.create", context=context), [])
        assert verdict.outcome == "review"
        assert verdict.unknown == ()
        assert verdict.harm == (harm if harm in HARMS else "other")
        assert (verdict.queue == "child-safety") == (
            (verdict.harm in HARMS and HARMS[verdict.harm].dsa_category.endswith("OF_MINORS"))
            or verdict.harm in ("child_trafficking", "pornography.minor_exposed")
        )


@pytest.mark.parametrize("harm", sorted(HARMS))
def test_a_known_picture_of_any_harm_has_a_consequence(starter: Pack, harm: str) -> None:
    match = found("some-list", "positive", "media:1", harm=harm)
    verdict = starter.evaluate(event(item={"id": "i", "media": [{"id": "1"}]}), [match])
    first = "block" if harm.startswith(("csam.", "ncii")) else "remove"
    assert (verdict.outcome, verdict.harm, len(verdict.reasons)) == (first, harm, 1)
