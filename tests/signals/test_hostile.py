"""Files made to break a decoder: each is a finding with a reason, and the next picture is fine."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pairs import chunk, exif
from pictures import distance, encoded, picture
from PIL import Image

from openhaven.signals import MediaHasher
from openhaven.signals.hashes import pdq_of_array

LATE = "decoding took too long and was stopped"
LARGE = "the picture has more than 50 million pixels"
DAMAGED = "the picture is damaged"
SMALL = "the picture is too small for a perceptual hash"


@pytest.fixture(scope="module")
def hasher() -> Iterator[MediaHasher]:
    made = MediaHasher()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain() -> bytes:
    return pdq_of_array(np.asarray(picture()))[0]


def png_of(width: int, height: int, body: bytes, *more: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), *more, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def zeros(megabytes: int) -> bytes:
    """Return so many zeros packed: blocks that stand for themselves, so that one is packed once."""
    packer = zlib.compressobj(9)
    start = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * (megabytes - 1) + packer.flush()


def bomb() -> bytes:
    """Two and a half gigabytes of black in two megabytes and a half."""
    return png_of(50_000, 50_000, zeros(2_400))


def profile_bomb() -> bytes:
    body = b"icc\0\0" + zeros(300)
    return encoded(picture(), "PNG").replace(
        b"IDAT", b"IDAT", 1
    )[:33] + chunk(b"iCCP", body) + encoded(picture(), "PNG")[33:]  # fmt: skip


def text_bomb() -> bytes:
    body = b"note\0\0" + zeros(300)
    whole = encoded(picture(), "PNG")
    return whole[:33] + chunk(b"zTXt", body) + whole[33:]


def jpeg_head(width: int, height: int) -> bytes:
    whole = bytearray(encoded(picture(64, 64), "JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def gif_head(width: int, height: int) -> bytes:
    whole = bytearray(encoded(picture(64, 64).quantize(16), "GIF"))
    whole[6:10] = struct.pack("<HH", width, height)
    return bytes(whole)


def webp_head() -> bytes:
    body = struct.pack("<I", 10) + bytes([0]) * 4 + b"\xff\xff\xff" * 2
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + body


def tiff_loop() -> bytes:
    """A directory that names itself as the next one."""
    whole = bytearray(encoded(picture(64, 64), "TIFF"))
    first = struct.unpack("<I", whole[4:8])[0]
    count = struct.unpack("<H", whole[first : first + 2])[0]
    whole[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", first)
    return bytes(whole)


REFUSED: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "a bomb of zeros": (bomb, {LARGE}),
    "no size, png": (lambda: png_of(0, 0, zlib.compress(b"")), {DAMAGED, SMALL}),
    "no size, jpeg": (lambda: jpeg_head(0, 0), {DAMAGED, SMALL}),
    "a huge jpeg": (lambda: jpeg_head(65_500, 65_500), {LARGE}),
    "a huge gif": (lambda: gif_head(65_535, 65_535), {LARGE}),
    "a huge webp": (webp_head, {LARGE, DAMAGED}),
    "a thin line": (lambda: png_of(9_000_000, 1, zlib.compress(bytes(9_000_001))), {SMALL}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(hasher: MediaHasher, name: str) -> None:
    make, reasons = REFUSED[name]
    data = make()
    found = hasher.hash(data)
    assert found.unknown in reasons
    assert found.pdq is None
    assert hasher.hash(encoded(picture(64, 64), "PNG")).unknown is None


SEEN: dict[str, Callable[[], bytes]] = {
    "an archive behind it": lambda: encoded(picture(), "JPEG", quality=92) + _archive(),
    "a script behind it": lambda: encoded(picture(), "PNG") + b"<script>1</script>",
    "words before the end": lambda: _comment(b"<script>1</script>" * 2_000),
    "a damaged note of the camera": lambda: encoded(
        picture(), "JPEG", quality=92, exif=b"Exif\0\0II*\0" + bytes(range(200))
    ),
    "a turn that does not exist": lambda: encoded(picture(), "JPEG", quality=92, exif=exif(77)),
    "a profile that is none": lambda: encoded(picture(), "PNG", icc_profile=b"no profile" * 99),
}


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hello")
    return out.getvalue()


def _comment(words: bytes) -> bytes:
    whole = encoded(picture(), "JPEG", quality=92)
    return whole[:2] + b"\xff\xfe" + struct.pack(">H", len(words) + 2) + words + whole[2:]


@pytest.mark.parametrize("name", SEEN)
def test_seen_all_the_same(hasher: MediaHasher, plain: bytes, name: str) -> None:
    found = hasher.hash(SEEN[name]())
    assert found.unknown is None
    assert distance(found.pdq, plain) <= 8


@pytest.mark.parametrize("make", [profile_bomb, text_bomb])
def test_a_bomb_beside_the_picture_harms_nobody(
    hasher: MediaHasher, plain: bytes, make: Callable[[], bytes]
) -> None:
    found = hasher.hash(make())
    assert found.unknown == DAMAGED or distance(found.pdq, plain) <= 8
    assert hasher.hash(encoded(picture(64, 64), "PNG")).unknown is None


def test_a_directory_in_a_circle(hasher: MediaHasher) -> None:
    assert hasher.hash(tiff_loop()).width == 64


def test_a_hundred_thousand_frames(hasher: MediaHasher) -> None:
    frames = [Image.new("P", (80, 80), shade % 2) for shade in range(2)]
    head = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    at = head.index(b"\x21\xf9")
    film = head[:at] + head[at:-1] * 50_000 + head[-1:]
    found = hasher.hash(film)
    assert found.unknown == "it is longer than what was looked at"


def test_more_scenes_than_are_kept(hasher: MediaHasher) -> None:
    frames = [picture(120, 160, seed=seed).quantize(64) for seed in range(40)]
    film = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    found = hasher.hash(film)
    assert found.unknown == "it has more different scenes than are compared"
    assert 12 <= len(found.others) <= 15
    assert len({one.pdq for one in found.others} | {found.pdq}) == len(found.others) + 1


def test_a_jpeg_of_endless_passes_is_stopped() -> None:
    """Each pass costs as much as a picture: the time is limited, whatever the file says."""
    # Without a limit this would take many minutes.
    whole = encoded(Image.new("L", (6_000, 6_000)), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    passes = whole[:last] + whole[last:-2] * 2_000 + whole[-2:]
    hasher = MediaHasher(wall_s=2)
    found = hasher.hash(passes)
    assert found.unknown in (LATE, "decoding failed and was stopped", DAMAGED)
    assert hasher.hash(encoded(picture(64, 64), "PNG")).unknown is None
    hasher.close()
