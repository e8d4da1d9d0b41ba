# ruff: noqa: E501 - a table of changes reads best with one change a line
"""What is sent is held against the authority's schema and against its documented rules."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openhaven.authorities.cybertip import rules, rules_files, schema
from openhaven.authorities.cybertip.machine import Attempt, Done, judge, next_step
from openhaven.authorities.cybertip.wire import Answer
from openhaven.authorities.cybertip.xml import parse

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def xsd(shared: Path) -> bytes:
    return (shared / "standards/ncmec/cybertipline-report.xsd").read_bytes()


@pytest.fixture(scope="module")
def valid(shared: Path) -> dict[str, str]:
    folder = shared / "standards/ncmec/vectors"
    return {name: (folder / f"{name}.xml").read_text()
            for name in ("report-valid", "report-batched-valid", "filedetails-valid")}  # fmt: skip


def broken(data: bytes, *, batch: bool = False) -> set[str]:
    if parse(data).tag == "report":
        return {fault.rule for fault in rules.judge(data, NOW)}
    return {fault.rule for fault in rules_files.judge_file(data, NOW, batch=batch)}


def test_every_vector_is_judged_as_its_manifest_says(shared: Path, xsd: bytes) -> None:
    folder = shared / "standards/ncmec/vectors"
    listed = json.loads((folder / "manifest.json").read_text())["vectors"]
    assert {one["file"] for one in listed} == {path.name for path in folder.glob("*.xml")}
    for one in listed:
        data = (folder / one["file"]).read_bytes()
        by_schema, by_rule = schema.faults(xsd, data), broken(data)
        assert bool(by_schema) == (one["layer"] == "xsd"), (one["file"], by_schema)
        if one["layer"] == "rule":
            assert by_rule == {one["reason"]}, one["file"]
        if one["expected"] == "accept":
            assert by_rule == set(), one["file"]


# rule, the valid document that is changed, what is replaced, by what
_LONG = "x" * 4000
_CHANGES = [
    ("R03", "report", "<reportAnnotations>", "<escalateToHighPriority> </escalateToHighPriority><reportAnnotations>"),
    ("R03", "report", "<reportAnnotations>", f"<escalateToHighPriority>{_LONG}</escalateToHighPriority><reportAnnotations>"),
    ("R04", "report", "<platform>Example Chat", f"<platform>{_LONG}"),
    ("R02", "report", "03:04:05Z</incidentDateTime>", "03:04:05</incidentDateTime>"),
    ("R05", "report", "</incidentDateTime>", f"</incidentDateTime><incidentDateTimeDescription>{_LONG}</incidentDateTimeDescription>"),
    ("R06", "report", "<chatImIncident><chatClient>Example Chat</chatClient></chatImIncident>", "<emailIncident><emailAddress>nobody@example.org</emailAddress></emailIncident>"),
    ("R07", "report", "https://example.org/legal", "example.org/legal"),
    ("R07", "report", "https://example.org/legal", "https://example.org/" + _LONG),
    ("R08", "report", "192.0.2.10", "192.0.2.999"),
    ("R08", "report", "192.0.2.10", " "),
    ("R09", "report", "<port>443", "<port>65536"),
    ("R10", "report", "<dateTime>2026-01-02", "<dateTime>2999-01-02"),
    ("R11", "report", "<priorCTReports>", "<deviceId><idType> </idType><idValue>1</idValue></deviceId><priorCTReports>"),
    ("R11", "report", "<priorCTReports>", f"<deviceId><idType>t</idType><idValue>{_LONG}</idValue></deviceId><priorCTReports>"),
    ("R12", "report", "reports@example.org", "reports at example.org"),
    ("R12", "report", "reports@example.org", "r" * 65 + "@example.org"),
    ("R12", "report", 'verified="true" verificationDate', 'verificationDate'),
    ("R12", "report", 'verificationDate="2025', 'verificationDate="2999'),
    ("R13", "report", "</email></reportingPerson>", "</email></reportingPerson><contactPerson><phone>" + "1" * 51 + "</phone></contactPerson>"),
    ("R13", "report", "</email></reportingPerson>", '</email></reportingPerson><contactPerson><phone countryCallingCode="+44">+44123</phone></contactPerson>'),
    ("R13", "report", "</email></reportingPerson>", '</email></reportingPerson><contactPerson><phone extension="12345678901">123</phone></contactPerson>'),
    ("R14", "report", "</accountPermanentlyDisabled>", "</accountPermanentlyDisabled><estimatedLocation><city>X</city></estimatedLocation>"),
    ("R14", "report", "</accountPermanentlyDisabled>", "</accountPermanentlyDisabled><estimatedLocation><city>X</city><countryCode>US</countryCode></estimatedLocation>"),
    ("R15", "report", "<accountPermanentlyDisabled", '<accountTemporarilyDisabled disabledDate="2026-01-02T03:10:00Z" reenabledDate="2026-01-01T00:00:00Z">true</accountTemporarilyDisabled><accountPermanentlyDisabled'),
    ("R16", "report", 'userNotified="false"', 'userNotified="true" userNotifiedDate="2026-01-01T00:00:00Z"'),
    ("R16", "report", 'disabledDate="2026', 'disabledDate="2999'),
    ("R17", "report", "</personOrUserReported>", "</personOrUserReported><personOrUserReported><espIdentifier>u2</espIdentifier></personOrUserReported>"),
    ("R18", "report", "user-0001", "u" * 256),
    ("R19", "report", "<espService>Example Chat", "<espService>" + "x" * 101),
    ("R20", "report", "synthetic_user", _LONG),
    ("R21", "report", "</screenName>", f"</screenName><displayName>{_LONG}</displayName>"),
    ("R22", "report", "</priorCTReports>", f"</priorCTReports><groupIdentifier>{_LONG}</groupIdentifier>"),
    ("R23", "report", "</accountPermanentlyDisabled>", '</accountPermanentlyDisabled><associatedAccount type="Linked"><approximateAge>9</approximateAge><dateOfBirth>2015-01-01</dateOfBirth></associatedAccount>'),
    ("R23", "report", "</accountPermanentlyDisabled>", '</accountPermanentlyDisabled><associatedAccount type="Linked"><approximateAge>151</approximateAge></associatedAccount>'),
    ("R24", "report", "</email></reportingPerson>", "</email><age>-1</age></reportingPerson>"),
    ("R25", "report", "</email></reportingPerson>", "</email><dateOfBirth>2999-01-01</dateOfBirth></reportingPerson>"),
    ("R26", "report", "<reporter>", f"<lawEnforcement><agencyName>{_LONG}</agencyName></lawEnforcement><reporter>"),
    ("R27", "report", "1234567", "0"),
    ("B01", "report-batched", "<espIdentifier>u2</espIdentifier>", "<espIdentifier>u2</espIdentifier><screenName>n</screenName>"),
    ("B02", "report-batched", "<reporter>", "<internetDetails><chatImIncident/></internetDetails><reporter>"),
    ("B02", "report-batched", "</report>", "<additionalInfo>n</additionalInfo></report>"),
    ("F02", "filedetails", ">Reported<", ">Supplemental Reported<"),
    ("F04", "filedetails", "holiday.png", _LONG),
    ("F04", "filedetails", "</uploadedToEspTimestamp>", "</uploadedToEspTimestamp><locationOfFile>nowhere</locationOfFile>"),
    ("F05", "filedetails", "<uploadedToEspTimestamp>2026", "<uploadedToEspTimestamp>2999"),
    ("F06", "filedetails", 'hashType="SHA256"', f'hashType="{_LONG}"'),
    ("F07", "filedetails", "<name>Software", f"<name>{_LONG}"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "document", "old", "new"), _CHANGES)
def test_each_rule_is_held(
    valid: dict[str, str], xsd: bytes, rule: str, document: str, old: str, new: str
) -> None:
    text = valid[f"{document}-valid"]
    assert old in text
    data = text.replace(old, new).encode()
    # The schema knows nothing of it: that is why there is a second layer.
    if rule not in ("R02", "R24"):
        assert schema.faults(xsd, data) == []
    assert broken(data) == {rule}


def test_batches_have_one_viral_file_and_say_nothing_else_of_it(valid: dict[str, str]) -> None:
    plain = valid["filedetails-valid"].encode()
    assert {"B04", "B05"} <= broken(plain, batch=True)
    assert [one.rule for one in rules_files.judge_files({}, batch=True)] == ["B03"]
    assert rules_files.judge_files({"a": b""}, batch=True) == []
    kept = re.sub(r"(?s)<originalFileName>.*?</originalFileName>|<originalFileHash.*?</originalFileHash>"
                  r"|<details.*</details>", "", valid["filedetails-valid"])  # fmt: skip
    viral = kept.replace("generativeAi", "viral").encode()
    assert broken(viral, batch=True) == set()


def test_details_are_of_a_file_of_the_open_report(valid: dict[str, str]) -> None:
    data = valid["filedetails-valid"].encode()
    found = rules_files.judge_file(data, NOW, report="1", files=["2"])
    assert {fault.rule for fault in found} == {"F03"}
    named = {"report": "4564654", "files": ["b0754af766b426f2928a02c651ed4b99"]}
    assert rules_files.judge_file(data, NOW, **named) == []


def test_every_documented_rule_is_known_and_tried(shared: Path) -> None:
    text = (shared / "standards/ncmec/business-rules.json").read_text()
    listed = json.loads(text)
    ids = {one["id"] for group in ("report", "fileDetails", "batched_VIRAL_POTENTIAL_MEME")
           for one in listed[group]}  # fmt: skip
    assert ids <= {*rules.RULES, *rules_files.FILE_RULES, "B02"}
    tried = {rule for rule, *_ in _CHANGES}
    tried |= {"R01", "R02", "R09", "F01", "F03", "B03", "B04", "B05"}
    # The schema allows one address of a file alone.
    assert ids - tried == {"F08"}


@pytest.mark.parametrize("data", [
    b"<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><report>&e;</report>",
    b"<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><report>&b;</report>",
    b"", b"{}", b"<report>", b"\xff\xfe<report/>", b"<a/>" + b" " * 5_000_001,
])  # fmt: skip
def test_xml_brings_nothing_with_it(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it|the document"):
        parse(data)


def test_a_schema_that_is_none_is_refused(xsd: bytes) -> None:
    named = xsd.replace(b'qualified">', b'qualified"><xs:include schemaLocation="/etc/passwd"/>', 1)
    for bad in (named, b"<a/>", b"no xml", xsd.replace(b'name="fileDetails"', b'name="other"')):
        with pytest.raises(schema.SchemaError):
            schema.load(bad)


def test_what_is_wrong_is_told_without_the_value(xsd: bytes, valid: dict[str, str]) -> None:
    data = valid["report-valid"].replace("<port>443", "<port>secret-words").encode()
    (told,) = schema.faults(xsd, data)
    assert "port" in told
    assert "secret-words" not in told


def test_every_documented_code_has_its_meaning(shared: Path) -> None:
    listed = json.loads((shared / "standards/ncmec/api.json").read_text())["response_codes"]
    kinds = {"done": {"stored"}, "retry": {"again", "retract"}, "fix": {"refused"},
             "fix-credentials": {"credentials"}, "reopen": {"renew"}, "stop": {"strange"}}  # fmt: skip
    sent = Done(id="1", step="upload", item="evi_1")
    for one in listed:
        answer = Answer(one["code"], report="1", file="f", md5="aa")
        assert judge("upload", answer, sent, "aa") in kinds[one["handling"]], one
    # What is in no list survives: the report is given up, and another one is opened.
    assert judge("upload", Answer(9999), sent, "aa") == "retract"
    assert judge("finish", Answer(9999), sent) == "again"


@pytest.mark.parametrize(("code", "move"), [
    (0, "finished"), (5102, "finished"), (5101, "renew"), (5001, "renew"), (1000, "again"),
    (4100, "refused"), (2000, "credentials"),
])  # fmt: skip
def test_what_finish_may_be_told(code: int, move: str) -> None:
    assert judge("finish", Answer(code), Done(id="1", step="finish", sent=2)) == move


def test_after_a_crash_each_state_has_one_next_step() -> None:
    upload = Done(id="1", step="upload", item="a", done=True, file="f")
    told = Done(id="2", step="fileinfo", item="a", done=True)
    lost = Done(id="3", step="upload", item="b")
    asked = {
        None: "submit", "lost": "submit", "gone": "submit", "retracted": "submit",
        "opening": "submit", "finishing": "finish", "retracting": "retract", "finished": None,
    }  # fmt: skip
    for state, step in asked.items():
        attempt = state and Attempt(id="x", number=1, state=state, report="1", steps=(upload,))
        assert next_step(attempt or None, ["a"]).step == step
    for steps, wanted in (((), ("upload", "a")), ((upload,), ("fileinfo", "a")),
                          ((upload, told), ("upload", "b")), ((upload, told, lost), ("retract", None))):  # fmt: skip
        found = next_step(
            Attempt(id="x", number=1, state="open", report="1", steps=steps), ["a", "b"]
        )
        assert (found.step, found.item) == wanted
