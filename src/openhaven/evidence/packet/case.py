"""A packet's manifest in the words of CASE/UCO 1.x, as JSON-LD. Pure.

The terms are those of caseontology.org and unifiedcyberontology.org: an investigation bundle whose
files are observable objects with facets, and whose touches are investigative actions.
"""

from typing import Any

_CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "urn:openhaven:evidence:",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def graph(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON-LD of a manifest (as `manifest.of` makes it)."""
    files = [_file(one) for one in manifest["items"]]
    actions = [_action(one) for one in manifest["custody"]]
    bundle = {
        "@id": f"kb:{manifest['case']}",
        "@type": "case-investigation:Investigation",
        "uco-core:name": manifest["case"],
        "uco-core:object": [{"@id": one["@id"]} for one in files + actions],
    }
    return {"@context": _CONTEXT, "@graph": [bundle, *files, *actions]}


def _file(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": f"kb:{item['id']}",
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [
            {
                "@id": f"kb:{item['id']}-file",
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": item["name"] or item["id"],
                "uco-observable:sizeInBytes": _typed("integer", str(item["bytes"])),
            },
            {
                "@id": f"kb:{item['id']}-content",
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
        "@id": f"kb:{item['id']}-{name}",
        "@type": "uco-types:Hash",
        "uco-types:hashMethod": method,
        "uco-types:hashValue": _typed("hexBinary", item[name]),
    }


def _action(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": f"kb:{event['id']}",
        "@type": "case-investigation:InvestigativeAction",
        "uco-core:name": event["kind"],
        "uco-core:description": event["purpose"],
        "uco-action:startTime": _typed("dateTime", event["at"]),
        "uco-action:performer": {"@id": f"kb:actor-{event['actor'].replace(':', '-')}"},
        "uco-action:object": [{"@id": f"kb:{event['item']}"}],
    }


def _typed(kind: str, value: str) -> dict[str, str]:
    return {"@type": f"xsd:{kind}", "@value": value}
