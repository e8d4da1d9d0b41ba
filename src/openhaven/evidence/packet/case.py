"""A packet's manifest in the words of CASE/UCO 1.x, as JSON-LD. Pure.

The terms are those of caseontology.org and unifiedcyberontology.org: an investigation bundle whose
files are observable objects with facets, whose touches are investigative actions, and whose actors
are identities (staff) or tools (this program). Ids end with a UUID made from ours, as UCO asks.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

_CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "urn:openhaven:evidence:",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def graph(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON-LD of a manifest (as `manifest.of` makes it)."""
    objects = [
        *(_file(one) for one in manifest["items"]),
        *(_derived(one) for one in manifest["items"] if one["parent"]),
        *(_actor(one) for one in sorted({one["actor"] for one in manifest["custody"]})),
        *(_action(one) for one in manifest["custody"]),
    ]
    bundle = {
        "@id": _id(manifest["case"]),
        "@type": "case-investigation:Investigation",
        "uco-core:name": manifest["case"],
        "uco-core:object": [{"@id": one["@id"]} for one in objects],
    }
    return {"@context": _CONTEXT, "@graph": [bundle, *objects]}


def _id(name: str) -> str:
    return f"kb:{name}-{uuid5(NAMESPACE_URL, _CONTEXT['kb'] + name)}"


def _derived(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": _id(f"{item['id']}-derived"),
        "@type": "uco-observable:ObservableRelationship",
        "uco-core:source": {"@id": _id(item["id"])},
        "uco-core:target": {"@id": _id(item["parent"])},
        "uco-core:kindOfRelationship": "Derived_From",
        "uco-core:isDirectional": _typed("boolean", "true"),
    }


def _actor(actor: str) -> dict[str, Any]:
    return {
        "@id": _actor_id(actor),
        "@type": "uco-identity:Identity" if actor.startswith("staff:") else "uco-tool:Tool",
        "uco-core:name": actor,
    }


def _actor_id(actor: str) -> str:
    return _id(f"actor-{actor.replace(':', '-')}")


def _file(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": _id(item["id"]),
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [
            {
                "@id": _id(f"{item['id']}-file"),
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": item["name"] or item["id"],
                "uco-observable:sizeInBytes": _typed("integer", str(item["bytes"])),
            },
            {
                "@id": _id(f"{item['id']}-content"),
                "@type": "uco-observable:ContentDataFacet",
                "uco-observable:mimeType": item["media_type"],
                "uco-observable:hash": [
                    _hash(item, "SHA256", "sha256"),
                    _hash(item, "MD5", "md5"),
                ],
            },
        ],
    }


def _hash(item: dict[str, Any], method: str, name: str) -> dict[str, Any]:
    return {
        "@id": _id(f"{item['id']}-{name}"),
        "@type": "uco-types:Hash",
        "uco-types:hashMethod": method,
        "uco-types:hashValue": _typed("hexBinary", item[name]),
    }


def _action(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": _id(event["id"]),
        "@type": "case-investigation:InvestigativeAction",
        "uco-core:name": event["kind"],
        "uco-core:description": event["purpose"],
        "uco-action:startTime": _typed("dateTime", event["at"]),
        "uco-action:performer": {"@id": _actor_id(event["actor"])},
        "uco-action:object": [{"@id": _id(event["item"])}],
    }


def _typed(kind: str, value: str) -> dict[str, str]:
    return {"@type": f"xsd:{kind}", "@value": value}
