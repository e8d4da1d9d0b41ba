"""What a filing to the CyberTipline states, with the source of each statement; kept sealed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from openhaven.authorities.cybertip.model import FileDetails, FileTags, Hash, Report
from openhaven.authorities.cybertip.parts import Device, IpEvent
from openhaven.evidence import Item, Viewing


class FilePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stated of one sealed item; whether it was viewed is read when it is sent."""

    item: str
    relevance: Literal["Reported", "Supplemental Reported"] = "Reported"
    name: str | None = None
    uploaded_at: datetime | None = None
    location: str | None = None
    publicly_available: bool | None = None
    tags: FileTags | None = None
    classification: Literal["A1", "A2", "B1", "B2"] | None = None
    ip_event: IpEvent | None = None
    devices: tuple[Device, ...] = ()
    notes: tuple[str, ...] = ()


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The report and its files; `sources` maps places of the report to where they are from."""

    report: Report
    files: tuple[FilePlan, ...] = ()
    sources: Mapping[str, str] = {}
    # What the specialist entered, so that a draft can be gone on with.
    entered: Mapping[str, Any] = {}

    @property
    def batch(self) -> bool:
        """Whether it stands for many reports about one viral file."""
        return self.report.batched_report is not None


def details(
    body: Body, plan: FilePlan, item: Item, viewing: Viewing, report: str, file: str
) -> FileDetails:
    """Return what is stated of an uploaded file. `viewing` is the only source of "viewed"."""
    bare = body.batch
    return FileDetails(
        report_id=int(report),
        file_id=file,
        original_file_name=None if bare else plan.name,
        uploaded_to_esp_timestamp=plan.uploaded_at,
        location_of_file=None if bare else plan.location,
        file_viewed_by_esp=viewing.viewed or viewing.exif_viewed,
        exif_viewed_by_esp=viewing.exif_viewed,
        publicly_available=plan.publicly_available,
        file_relevance=plan.relevance,
        file_annotations=plan.tags,
        industry_classification=plan.classification,
        original_file_hash=() if bare else hashes(item),
        ip_capture_event=None if bare else plan.ip_event,
        device_id=() if bare else plan.devices,
        additional_info=() if bare else plan.notes,
    )


def original_name(item: Item) -> str | None:
    """Return the name under which a file came, if it had one: the id of an upload is none."""
    own = item.kind != "media" or item.name in ("", item.media)
    return None if own else item.name[:2056]


def hashes(item: Item) -> tuple[Hash, ...]:
    """Return the hashes of a file as it came to the service."""
    return (Hash(text=item.md5.hex(), hash_type="MD5"),
            Hash(text=item.sha256.hex(), hash_type="SHA256"))  # fmt: skip
