"""Which kinds of content something has, in the words of the DSA database. Pure."""

from collections.abc import Mapping

from openhaven.intake import Event, MediaFacts


def content_types(event: Event | None, media: Mapping[str, MediaFacts]) -> list[str]:
    """Return the kinds of content of an event, in the words of the DSA database."""
    item = event.item if event else None
    if item is None:
        return ["OTHER"]
    kinds = {"TEXT"} if item.text or item.links else set()
    for ref in item.media:
        major = media[ref.id].type.partition("/")[0].upper() if ref.id in media else "OTHER"
        kinds.add(major if major in ("IMAGE", "VIDEO", "AUDIO") else "OTHER")
    return sorted(kinds) or ["OTHER"]
