"""`/v1/media`: what a file is, said from its bytes; whatever the bytes are."""

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from api_scene import Town, body, name, problem
from pictures import encoded, make, picture
from PIL import Image

VECTORS = json.loads((Path(__file__).parents[1] / "signals/vectors/pdq.json").read_text())
SHAPE = {"id", "sha256", "pdq", "pdq_quality", "bytes", "type"}


def told(town: Town, data: bytes) -> dict[str, Any]:
    reply = town.media(data)
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.json
    assert set(found) - {"unknown"} == SHAPE
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["bytes"] == len(data)
    return found


@pytest.mark.parametrize("vector", VECTORS[:6], ids=lambda v: str(v["recipe"]))
def test_hashes_are_those_of_the_reference(town: Town, vector: dict[str, Any]) -> None:
    pixels = make(vector["recipe"], vector["seed"], vector["height"], vector["width"])
    found = told(town, encoded(Image.fromarray(pixels), "PNG"))
    assert found["type"] == "image/png"
    assert found["pdq_quality"] == vector["quality"]
    if vector["quality"] >= 50:
        assert found["pdq"] == vector["pdq"]
    assert "unknown" not in found


def png(width: int, height: int) -> bytes:
    """Return a PNG that says to have this size, with almost no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def bomb() -> bytes:
    """Return a small PNG that unpacks to hundreds of megabytes."""
    out = io.BytesIO()
    Image.new("1", (16_000, 16_000)).save(out, "PNG")
    return out.getvalue()


def animated(form: str) -> bytes:
    frames = [picture(64, 64, seed) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


WHOLE = encoded(picture(), "JPEG")
FILES: dict[str, tuple[bytes, str, bool]] = {
    # name: bytes, type, whether it could be looked at
    "text": (b"just words", "", False),
    "one byte": (b"\0", "application/octet-stream", False),
    "truncated jpeg": (WHOLE[: len(WHOLE) // 2], "image/jpeg", True),
    "head of a jpeg": (WHOLE[:20], "image/jpeg", False),
    "cmyk jpeg": (encoded(picture().convert("CMYK"), "JPEG"), "image/jpeg", True),
    "animated gif": (animated("GIF"), "image/gif", True),
    "animated webp": (animated("WEBP"), "image/webp", True),
    "huge dimensions": (png(2_000_000, 2_000_000), "image/png", False),
    "no dimensions": (png(0, 0), "image/png", False),
    "bomb": (bomb(), "image/png", False),
    "polyglot": (WHOLE + b"PK\x03\x04<script>alert(1)</script>", "image/jpeg", True),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "", False),
    "html": (b"<!doctype html><script>alert(1)</script>", "", False),
    "zeros": (bytes(100_000), "application/octet-stream", False),
}


@pytest.mark.parametrize("which", FILES)
def test_any_file_gets_a_safe_answer_of_the_same_shape(town: Town, which: str) -> None:
    data, kind, seen = FILES[which]
    found = told(town, data)
    assert not kind or found["type"] == kind
    assert (found["pdq"] is not None) is seen
    if not seen:
        assert found["unknown"]
    sent = body(item={"id": name("i"), "media": [{"id": found["id"]}]})
    assert town.judged(sent)["outcome"] in ("allow", "review")


def test_a_label_does_not_make_a_picture(town: Town) -> None:
    reply = town.ask("POST", "/v1/media", b"words", headers={"content-type": "image/jpeg"})
    assert reply.json["type"] != "image/jpeg"
    reply = town.ask("POST", "/v1/media", WHOLE, headers={"content-type": "text/html; charset=x"})
    assert reply.json["type"] == "image/jpeg"


def test_no_bytes_and_too_many(town: Town) -> None:
    assert problem(town.media(b""), 400)["code"] == "media.empty"
    assert town.media(bytes(4_000_000)).status == 201
    assert problem(town.media(bytes(4_000_001)), 413)["code"] == "body.too_large"
    town.goes_on()


def test_media_that_was_never_sent_is_unknown_and_passes(town: Town) -> None:
    missing = name("med")
    verdict = town.judged(body(item={"id": name("i"), "media": [{"id": missing}]}))
    assert verdict["outcome"] in ("allow", "review")


def test_media_of_another_platform_is_not_looked_at(town: Town) -> None:
    """Else a platform could learn from verdicts what another one stores."""
    theirs = town.media(WHOLE, town.there.key).json["id"]
    mine = body(item={"id": name("i"), "media": [{"id": theirs}]})
    missing = body(item={"id": name("i"), "media": [{"id": name("med")}]})
    seen, unseen = town.judged(mine), town.judged(missing)
    assert (seen["outcome"], seen["help"]) == (unseen["outcome"], unseen["help"])
    assert town.rows("SELECT event FROM media WHERE id = %(m)s", m=theirs) == [{"event": None}]


def test_every_reading_of_a_file_is_kept(town: Town) -> None:
    found = told(town, animated("WEBP"))
    (row,) = town.rows("SELECT reads, others, sha1 FROM media WHERE id = %(m)s", m=found["id"])
    assert row["reads"] == ["frame", "frame"]
    assert [len(one) for one in (*row["others"], row["sha1"])] == [32, 32, 20]
    assert found["pdq"] not in [one.hex() for one in row["others"]]
