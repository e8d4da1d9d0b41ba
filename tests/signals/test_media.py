"""Media as people see it, and hostile files, through the decoder's own process."""

import hashlib
import io
import os
import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pictures import distance, encoded, picture
from PIL import Image, ImageCms

from openhaven.core import Problem
from openhaven.signals import MediaHasher
from openhaven.signals.hashes import MediaHash, pdq_of_array
from stopwatch import stopwatch

NEAR = 8


@pytest.fixture(scope="module")
def hasher() -> Iterator[MediaHasher]:
    made = MediaHasher()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain() -> bytes:
    """The hash of the picture that the others are variants of."""
    return pdq_of_array(np.asarray(picture()))[0]


def exif(orientation: int) -> Image.Exif:
    note = Image.Exif()
    note[0x0112] = orientation
    return note


def sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def inks() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(picture().convert("CMYK"), "JPEG", quality=95, icc_profile=profile)


def palette() -> Image.Image:
    return picture().quantize(256)


SEEN = {
    "png": lambda: encoded(picture(), "PNG"),
    "jpeg": lambda: encoded(picture(), "JPEG", quality=92),
    "progressive": lambda: encoded(picture(), "JPEG", quality=92, progressive=True),
    "webp": lambda: encoded(picture(), "WEBP", quality=92),
    "avif": lambda: encoded(picture(), "AVIF", quality=90),
    "bmp": lambda: encoded(picture(), "BMP"),
    "tiff": lambda: encoded(picture(), "TIFF", compression="tiff_lzw"),
    "palette png": lambda: encoded(palette(), "PNG"),
    "gif": lambda: encoded(palette(), "GIF"),
    "grey": lambda: encoded(picture().convert("L"), "PNG"),
    "grey with alpha": lambda: encoded(picture().convert("LA"), "PNG"),
    "rgb with alpha": lambda: encoded(picture().convert("RGBA"), "PNG"),
    "16 bits": lambda: encoded(sixteen_bits(picture()), "PNG"),
    "cmyk": lambda: encoded(picture().convert("CMYK"), "JPEG", quality=95),
    "cmyk with a wrong profile": inks,
    "turned": lambda: encoded(picture().transpose(Image.Transpose.ROTATE_90), "JPEG",
                              quality=92, exif=exif(6)),
    "mirrored": lambda: encoded(picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG",
                                quality=92, exif=exif(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_hashed_as_seen(hasher: MediaHasher, plain: bytes, name: str) -> None:
    data = SEEN[name]()
    found = hasher.hash(data)
    assert found.unknown is None
    assert (found.width, found.height) == (640, 480)
    assert found.quality is not None
    assert found.quality >= 50
    assert distance(found.pdq, plain) <= NEAR
    assert found.sha256 == hashlib.sha256(data).digest()
    assert found.md5 == hashlib.md5(data).digest()


def test_transparency_is_seen_on_white(hasher: MediaHasher) -> None:
    shade = Image.linear_gradient("L").resize((640, 480))
    clear = picture().convert("RGBA")
    clear.putalpha(shade)
    flat = Image.new("RGB", clear.size, "white")
    flat.paste(clear, mask=shade)
    found = hasher.hash(encoded(clear, "PNG"))
    assert distance(found.pdq, pdq_of_array(np.asarray(flat))[0]) <= 2


def test_a_moving_picture_counts_by_its_first_frame_with_detail(
    hasher: MediaHasher, plain: bytes
) -> None:
    blank = Image.new("P", (640, 480), 0)
    film = encoded(blank, "GIF", save_all=True, append_images=[palette()], duration=10)
    assert distance(hasher.hash(film).pdq, plain) <= NEAR


def test_mislabelled_types_are_sniffed(hasher: MediaHasher) -> None:
    assert hasher.hash(encoded(picture(), "WEBP")).type == "image/webp"
    assert hasher.hash(encoded(picture(), "AVIF")).type == "image/avif"
    assert hasher.hash(b"\x00\x00\x00\x18ftypmp42" + bytes(40)).type == "video/mp4"
    assert hasher.hash(b"%PDF-1.7 ...").type == "application/pdf"
    assert hasher.hash(b"GIF89a" + encoded(picture(), "JPEG")).unknown is not None


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"plain words", bytes(range(255, 0, -1)) * 20])
def test_other_media_have_exact_hashes_only(hasher: MediaHasher, data: bytes) -> None:
    found = hasher.hash(data)
    assert found.unknown == "this kind of media is not decoded yet"
    assert found.pdq is None
    assert found.sha256 == hashlib.sha256(data).digest()


def test_a_film_that_is_only_its_beginning_is_damaged(hasher: MediaHasher) -> None:
    data = b"\x1aE\xdf\xa3" + bytes(99)
    found = hasher.hash(data)
    assert found.unknown == "the film is damaged"
    assert found.pdq is None
    assert found.sha256 == hashlib.sha256(data).digest()


def test_an_empty_file(hasher: MediaHasher) -> None:
    assert hasher.hash(b"").unknown == "the file is empty"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
def test_cut_off_files_have_a_reason(hasher: MediaHasher, form: str, part: float) -> None:
    whole = encoded(palette() if form == "GIF" else picture(), form)
    found = hasher.hash(whole[: int(len(whole) * part)])
    assert found.unknown is not None or found.pdq is not None
    if form in ("JPEG", "PNG", "WEBP", "AVIF", "BMP"):
        assert found.unknown in ("the picture is cut off", "the picture is damaged")


def test_what_is_left_of_a_cut_off_picture_is_hashed(hasher: MediaHasher, plain: bytes) -> None:
    whole = encoded(picture(), "JPEG", quality=92)
    found = hasher.hash(whole[: int(len(whole) * 0.98)])
    assert found.unknown == "the picture is cut off"
    assert distance(found.pdq, plain) <= 31


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_it_is_decoded(hasher: MediaHasher) -> None:
    with stopwatch() as seconds:
        found = hasher.hash(png_header(100_000, 100_000))
        assert seconds() < 60
    assert found.unknown == "the picture has more than 50 million pixels"


@pytest.mark.slow
def test_a_large_flat_picture_stays_within_memory(hasher: MediaHasher) -> None:
    found = hasher.hash(encoded(Image.new("RGBA", (7000, 7000)), "PNG", compress_level=1))
    assert (found.unknown, found.width, found.quality) == (None, 7000, 0)


def test_ten_thousand_frames(hasher: MediaHasher) -> None:
    frames = [Image.new("P", (80, 80), shade % 2) for shade in range(2)]
    head = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    at = head.index(b"\x21\xf9")
    film = head[:at] + head[at:-1] * 5_000 + head[-1:]
    found = hasher.hash(film)
    assert found.unknown == "it is longer than what was looked at"
    assert found.type == "image/gif"


def test_random_bytes_behind_true_beginnings(hasher: MediaHasher) -> None:
    random = np.random.default_rng(5)
    for form in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"):
        whole = bytearray(encoded(palette() if form == "GIF" else picture(), form))
        for _ in range(6):
            broken = bytearray(whole)
            for place in random.integers(0, len(broken), 40).tolist():
                broken[place] = int(random.integers(0, 256))
            found = hasher.hash(bytes(broken))
            assert isinstance(found, MediaHash)
            assert found.unknown is None or found.unknown.islower()


def test_tiny_pictures_say_so(hasher: MediaHasher) -> None:
    found = hasher.hash(encoded(Image.new("RGB", (1, 1)), "PNG"))
    assert found.unknown == "the picture is too small for a perceptual hash"


def test_a_preview_is_small_upright_and_without_metadata(hasher: MediaHasher) -> None:
    note = exif(6)
    note[0x010E] = "a private remark"
    data = encoded(picture(900, 1600), "JPEG", exif=note)
    shown = hasher.preview(data, max_px=300)
    image = Image.open(io.BytesIO(shown))
    assert (image.format, max(image.size), image.height > image.width) == ("JPEG", 300, True)
    assert not image.getexif()
    assert b"private" not in shown


def test_no_preview_is_a_problem_with_a_reason(hasher: MediaHasher) -> None:
    with pytest.raises(Problem, match="not decoded yet"):
        hasher.preview(b"%PDF-1.7")


def test_a_killed_decoder_is_replaced() -> None:
    hasher = MediaHasher()
    good = encoded(picture(), "PNG")
    assert hasher.hash(good).unknown is None
    (first,) = hasher.pids()
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert hasher.hash(good).unknown is None
    (second,) = hasher.pids()
    assert second != first
    hasher.close()
    assert hasher.pids() == []


def test_a_decoder_that_dies_at_work_is_a_reason() -> None:
    hasher = MediaHasher()
    # One that dies before it has the picture is replaced, and nobody notices.
    reason = "decoding failed and was stopped"
    assert any(_died_at_work(hasher) == reason for _ in range(20))
    assert hasher.hash(encoded(picture(), "PNG")).unknown is None
    hasher.close()


def _died_at_work(hasher: MediaHasher) -> str | None:
    data = encoded(picture(), "PNG")
    hasher.hash(data)
    (pid,) = hasher.pids()
    os.kill(pid, signal.SIGSTOP)
    answers: list[MediaHash] = []
    work = threading.Thread(target=lambda: answers.append(hasher.hash(data)))
    work.start()
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    work.join(300)
    return answers[0].unknown


def test_a_decoder_that_hangs_is_stopped() -> None:
    hasher = MediaHasher()
    hasher.hash(encoded(picture(64, 64), "PNG"))
    hasher._wall_s = 0.5
    (pid,) = hasher.pids()
    os.kill(pid, signal.SIGSTOP)
    found = hasher.hash(encoded(picture(64, 64), "PNG"))
    assert found.unknown == "decoding took too long and was stopped"
    assert not Path(f"/proc/{pid}").exists()
    hasher.close()


def test_an_idle_decoder_ends_and_a_later_picture_gets_another() -> None:
    hasher = MediaHasher(idle_s=0.2)
    first = None
    while first is None:
        # It may have been idle for long enough before anybody could look.
        assert hasher.hash(encoded(picture(), "PNG")).unknown is None
        first = next(iter(hasher.pids()), None)
    until = time.monotonic() + 300
    while hasher.pids() and time.monotonic() < until:
        time.sleep(0.05)
    assert hasher.pids() == []
    assert hasher.hash(encoded(picture(), "PNG")).unknown is None
    assert hasher.pids() != [first]
    hasher.close()


def test_the_decoder_cannot_open_files_and_is_not_root() -> None:
    hasher = MediaHasher()
    hasher.hash(encoded(picture(), "PNG"))
    (pid,) = hasher.pids()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert "Max open files            3 " in limits
    assert "Max file size             0 " in limits
    status = Path(f"/proc/{pid}/status").read_text()
    assert "Uid:\t0" not in status
    hasher.close()


def test_many_threads_share_it() -> None:
    hasher = MediaHasher(children=2, wall_s=300)
    files = [encoded(picture(seed=seed), "PNG") for seed in range(4)]
    expected = [pdq_of_array(np.asarray(picture(seed=seed)))[0] for seed in range(4)]
    wrong = []

    def work(start: int) -> None:
        for turn in range(8):
            which = (start + turn) % 4
            if hasher.hash(files[which]).pdq != expected[which]:
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    hasher.close()
