"""Reports as XML, and XML read without any of its dangers."""

from datetime import date, datetime, timezone
from typing import Any

import msgspec
from lxml import etree

from openhaven.authorities.cybertip.model import FileDetails, Report
from openhaven.authorities.cybertip.parts import Part

UTC = timezone.utc  # noqa: UP017 - the name stands in the answers of `isoformat` as well
LARGEST = 5_000_000
ROOTS = {Report: "report", FileDetails: "fileDetails"}


def document(given: Report | FileDetails) -> bytes:
    """Return the XML document of a report, or of what is stated of a file, in UTF-8."""
    root = etree.Element(ROOTS[type(given)])
    _fill(root, given)
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return data


def _fill(element: Any, part: Part) -> None:
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if value is None or value == ():
            continue
        if field.name == "text":
            element.text = _said(value)
        elif field.encode_name in part.attributes:
            element.set(field.encode_name, _said(value))
        else:
            for one in value if isinstance(value, tuple) else (value,):
                _child(element, field.encode_name, one)


def _child(element: Any, name: str, value: Any) -> None:
    child = etree.SubElement(element, name)
    if isinstance(value, Part):
        _fill(child, value)
    else:
        child.text = _said(value)


def _said(value: Any) -> str:
    """Return a value as XML Schema writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))


def clean(text: str) -> str:
    """Return a text without the characters that XML cannot carry; each becomes U+FFFD."""
    return "".join(char if _carries(ord(char)) else "\ufffd" for char in text)


def _carries(code: int) -> bool:
    """Say whether XML 1.0 carries a character (section 2.2); a carriage return would change."""
    return code in (0x9, 0xA) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF


def parse(data: bytes) -> Any:
    """Return the root of a document; raises `ValueError` for what is no XML, or too much of it.

    Entities are not resolved, no DTD is loaded and nothing is fetched.
    """
    if len(data) > LARGEST:
        raise ValueError("the document is too long")
    reader = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False,
                             dtd_validation=False, huge_tree=False, remove_comments=True,
                             remove_pis=True)  # fmt: skip
    try:
        root = etree.fromstring(data, reader)
    except etree.XMLSyntaxError as error:
        raise ValueError("it is no XML") from error
    if root.getroottree().docinfo.doctype:
        raise ValueError("it has a document type")
    return root
