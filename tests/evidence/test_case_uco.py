"""The CASE/UCO graph of a packet conforms to the ontology's own shapes (CASE 1.5, SHACL)."""

import json
import zipfile
from pathlib import Path

import pytest
from case_utils.case_validate import validate
from evidence_scene import ME, NOW, new_case, received
from test_packet import export, person

from openhaven import evidence
from openhaven.line import Haven

# The library that brings the ontology still asks for it the old way.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_what_a_packet_says_conforms_to_the_ontology(haven: Haven, tmp_path: Path) -> None:
    with haven.db.begin(ME, NOW) as tx:
        case = new_case(tx)
        first = received(haven.vault, tx, case, b"PLACEHOLDER")
        evidence.receive(haven.vault, tx, case, kind="derived", source="", data=b"",
                         method="still, gr\u00e4y", media_type="application/x-odd; charset=utf-8",
                         name="", parent=first.id)  # fmt: skip
        evidence.viewed(tx, first, "grey", exif_shown=False)
        evidence.hold(tx, case, "operator", reference="for a packet")
    file = export(haven, person(haven, "Sam", "specialist"), case, tmp_path / "one.zip")
    with zipfile.ZipFile(file) as packed:
        graph = json.loads(packed.read("case.jsonld"))
    found = _judged(graph, tmp_path)
    assert (found.conforms, found.undefined_concepts) == (True, set()), found.text
    # The shapes are really looked at: one action by nobody known is found.
    tools = ("uco-tool:Tool", "uco-identity:Identity")
    graph["@graph"] = [one for one in graph["@graph"] if one["@type"] not in tools]
    assert not _judged(graph, tmp_path).conforms


def _judged(graph: object, folder: Path):  # type: ignore[no-untyped-def]
    file = folder / "case.jsonld"
    file.write_text(json.dumps(graph))
    return validate([str(file)])
