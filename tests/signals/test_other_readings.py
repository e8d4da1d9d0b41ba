"""A file is looked up under every reading of it, and is known as harmless only so far as seen."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pairs
from pictures import distance, picture

from openhaven import intake
from openhaven.core import system
from openhaven.intake import MediaFacts
from openhaven.intake.model import Event
from openhaven.line import Haven
from openhaven.signals import Finding, MediaHasher, Snapshot, Tools, load, measure
from openhaven.signals.banks import BankInfo, Banks, Row
from openhaven.signals.hashes import pdq_of_array

BAD = BankInfo("bnk_p", "known-pictures", "pdq", "csam.known", "positive", 31, "live")
GOOD = BankInfo("bnk_n", "harmless", "pdq", "other", "negative", 31, "live")
FILE = BankInfo("bnk_f", "harmless-files", "sha256", "other", "negative", 0, "live")
OLD = BankInfo("bnk_1", "old-list", "sha1", "csam.known", "positive", 0, "live")


def event() -> Event:
    told = {"id": "evt-1", "kind": "post.create", "at": datetime.now(UTC), "account": {"id": "a1"},
            "item": {"id": "i1", "media": [{"id": "m"}]}}  # fmt: skip
    return msgspec.convert(told, Event)


def facts(data: bytes) -> MediaFacts:
    hasher = MediaHasher(wall_s=30)
    found = hasher.hash(data)
    hasher.close()
    return MediaFacts(
        id="m", sha256=found.sha256, md5=found.md5, type=found.type, pdq=found.pdq,
        quality=found.quality, sha1=found.sha1, others=tuple(one.pdq for one in found.others),
        reads=tuple(one.read for one in found.others),
    )  # fmt: skip


def ask(known: MediaFacts, *entries: tuple[BankInfo, bytes]) -> list[Finding]:
    rows = [Row(n, info.id, value, None, "test") for n, (info, value) in enumerate(entries)]
    banks = Banks(Snapshot.of([info for info, _ in entries], rows))
    return measure([event()], {"m": known}, load(Tools(banks, {}, {})), 10)[0]


def plain(image: pairs.Image.Image) -> bytes:
    return pdq_of_array(np.asarray(image.convert("RGB")))[0]


def test_a_later_scene_is_found_and_named() -> None:
    known = facts(pairs.film("GIF"))
    (found,) = ask(known, (BAD, plain(picture())))
    assert (found.opinion, found.detail["reading"]) == ("positive", "frame")


def test_a_harmless_first_scene_does_not_clear_a_later_one() -> None:
    known = facts(pairs.film("GIF"))
    first = plain(picture(seed=21))
    (found,) = ask(known, (GOOD, first), (BAD, plain(picture())))
    assert (found.opinion, found.detail["reading"]) == ("positive", "frame")


def test_a_scene_that_is_known_as_harmless_is_cleared() -> None:
    known = facts(pairs.film("GIF"))
    third = min(known.others, key=lambda one: distance(one, plain(picture())))
    turned = bytes([third[0] ^ 0x0F]) + third[1:]
    (found,) = ask(known, (GOOD, third), (BAD, turned))
    assert (found.opinion, found.detail["noted"]) == ("noted", "cleared")


def test_a_file_that_is_known_as_harmless_is_cleared_in_every_reading() -> None:
    known = facts(pairs.film("GIF"))
    third = min(known.others, key=lambda one: distance(one, plain(picture())))
    (found,) = ask(known, (FILE, known.sha256), (BAD, bytes([third[0] ^ 1]) + third[1:]))
    assert (found.opinion, found.detail["noted"]) == ("noted", "cleared")


def test_one_finding_for_a_bank_that_knows_several_readings() -> None:
    known = facts(pairs.film("GIF"))
    assert known.pdq is not None
    (found,) = ask(known, (BAD, known.pdq), (BAD, plain(picture())))
    assert (found.opinion, found.detail["distance"]) == ("positive", 0)
    assert "reading" not in found.detail


def test_sha1_is_looked_up() -> None:
    known = facts(pairs.film("GIF"))
    assert known.sha1 is not None
    (found,) = ask(known, (OLD, known.sha1))
    assert (found.value, found.detail["kind"]) == ("old-list", "sha1")


def test_all_readings_are_stored(haven: Haven) -> None:
    known = facts(pairs.film("WEBP"))
    assert len(known.others) == 2
    with haven.db.begin(system("test")) as tx:
        platform = tx.value("SELECT id FROM platforms LIMIT 1")
        stored = intake.accept_media(tx, haven.blobs, platform, b"bytes", known)
    with haven.db.read() as tx:
        (read,) = intake.media_facts(tx, platform, [stored.id]).values()
    assert read == msgspec.structs.replace(known, id=stored.id)
