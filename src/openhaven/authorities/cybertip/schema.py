"""The authority's schema: what it lets pass, and whether it is one that may be used."""

import hashlib
from functools import lru_cache
from typing import Any

from lxml import etree

from openhaven.authorities.cybertip.xml import parse

_XS = "{http://www.w3.org/2001/XMLSchema}"
# These name other files, which the validator would go and read.
_ELSEWHERE = frozenset(f"{_XS}{name}" for name in ("import", "include", "redefine", "override"))
_MOST = 20


class SchemaError(ValueError):
    """What came is no schema that a report can be held against; the sentence says why."""


def digest(xsd: bytes) -> bytes:
    """Return the SHA-256 of a schema (32 bytes), by which two are told apart."""
    return hashlib.sha256(xsd).digest()


@lru_cache(maxsize=4)
def load(xsd: bytes) -> Any:
    """Return a schema that validates; raises `SchemaError`.

    It must describe the elements that are sent (`report`, `fileDetails`) and name no other file.
    """
    try:
        root = parse(xsd)
    except ValueError as error:
        raise SchemaError(f"The schema cannot be read: {error}.") from error
    if any(element.tag in _ELSEWHERE for element in root.iter()):
        raise SchemaError("The schema names other files, which are not read.")
    described = {element.get("name") for element in root.findall(f"{_XS}element")}
    if missing := {"report", "fileDetails"} - described:
        raise SchemaError(f"The schema does not describe: {', '.join(sorted(missing))}.")
    try:
        return etree.XMLSchema(root)
    except etree.XMLSchemaParseError as error:
        raise SchemaError("The schema contradicts itself.") from error


def faults(xsd: bytes, data: bytes) -> list[str]:
    """Return what the schema finds wrong with a document, in its own words; empty when nothing.

    Values are left out of the words, since they may be of a person. Raises `SchemaError`.
    """
    schema = load(xsd)
    try:
        root = parse(data)
    except ValueError as error:
        return [f"The document cannot be read: {error}."]
    if schema.validate(root):
        return []
    return [_told(one) for one in schema.error_log][:_MOST]


def _told(error: Any) -> str:
    """Return an error by its place and kind; libxml2's words quote the value."""
    return f"{error.path}: {error.type_name.removeprefix('SCHEMAV_').lower().replace('_', ' ')}"
