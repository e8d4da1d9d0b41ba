"""Films: frames are hashed in a process behind walls, and found again in their order."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from openhaven import intake
from openhaven.core import system
from openhaven.intake.model import Event, MediaFacts
from openhaven.line import Haven
from openhaven.signals import Finding, MediaHasher, look_closer, measure
from openhaven.signals.banks import BankInfo, Banks, Row, Snapshot
from openhaven.signals.banks.commands import bank
from openhaven.signals.banks.model import fault_of
from openhaven.signals.films import FilmSignal, spans_round
from openhaven.signals.hashes import child as child_module
from openhaven.signals.hashes import media as media_module
from openhaven.signals.video import Frame, Part, Sight, aligned, packed, parts, unpacked
from openhaven.signals.video.align import share
from openhaven.signals.video.model import thinned

pytest.importorskip("av", reason="the extra “video” is not installed")

from clips import clip, picture

INFO = BankInfo("bnk_1", "films", "video", "other", "positive", 31, "live")
FINE = BankInfo("bnk_2", "fine", "video", "other", "negative", 31, "live")
STILLS = BankInfo("bnk_3", "stills", "pdq", "other", "positive", 31, "live")
SCENES = [(1, 6.0), (2, 5.0), (3, 6.0), (4, 5.0)]


@pytest.fixture(scope="module")
def hasher() -> Iterator[MediaHasher]:
    made = MediaHasher(film_s=60.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def film() -> bytes:
    return clip(SCENES)


@pytest.fixture(scope="module")
def known(hasher: MediaHasher, film: bytes) -> bytes:
    frames, unknown = hasher.film(film)
    assert unknown is None
    assert fault_of("video", frames, None) == ""
    return frames


def post() -> Event:
    import msgspec

    return msgspec.convert(
        {"id": "1", "kind": "post.create", "at": "2026-11-01T12:00:00Z", "account": {"id": "a"},
         "item": {"id": "i", "media": [{"id": "m"}]}}, Event, strict=False,
    )  # fmt: skip


def banks(*entries: tuple[BankInfo, bytes]) -> Banks:
    rows = [Row(number, info.id, value, None, "test")
            for number, (info, value) in enumerate(entries, 1)]  # fmt: skip
    return Banks(Snapshot.of((INFO, FINE, STILLS), rows))


def said(known: Banks, film: bytes) -> list[Finding]:
    facts = MediaFacts(id="m", sha256=bytes(32), md5=bytes(16), type="video/mp4", film=film)
    (found,) = measure([post()], {"m": facts}, [FilmSignal(known)])
    assert all(one.unknown is None for one in found)
    return found


def test_key_frames_at_an_upload_and_one_a_second_for_a_bank(
    hasher: MediaHasher, film: bytes, known: bytes
) -> None:
    found = hasher.hash(film)
    assert (found.type, found.width, found.height) == ("video/mp4", 320, 180)
    assert (found.pdq, found.unknown) == (None, None)
    moments = [frame.at for frame in unpacked(found.film)]
    assert moments == sorted(moments)
    assert all(at % 2_000 == 0 for at in moments)  # the clip has a key frame every two seconds
    dense = [frame.at for frame in unpacked(known)]
    assert len(dense) > len(moments)
    assert max(later - at for at, later in pairwise(dense)) <= 1_100


@pytest.mark.parametrize(
    ("codec", "form", "kind"),
    [("libx264", "mp4", "video/mp4"), ("libvpx-vp9", "webm", "video/webm"),
     ("mpeg2video", "mpeg", "video/mpeg"), ("mpeg4", "avi", "video/x-msvideo"),
     ("libtheora", "ogg", "video/ogg"), ("flv", "flv", "video/x-flv"),
     ("libx264", "mov", "video/quicktime")],
)  # fmt: skip
def test_other_codecs_and_files_are_the_same_film(
    hasher: MediaHasher, known: bytes, codec: str, form: str, kind: str
) -> None:
    import av

    if codec not in av.codecs_available:
        pytest.skip(f"this build of the extra has no encoder {codec}")
    rate = 25 if codec == "mpeg2video" else 10
    found = hasher.hash(clip(SCENES[1:3], codec=codec, form=form, key_every=15, rate=rate))
    assert (found.type, found.unknown) == (kind, None)
    (one,) = said(banks((INFO, known)), found.film)
    assert (one.value, one.opinion, one.subject) == ("films", "positive", "media:m")
    assert one.detail["frames"] >= 3
    assert abs(float(one.detail["known_from_s"]) - 6) <= 2
    assert float(one.detail["share"]) > 0.7


def test_a_part_within_another_film_is_told_from_where_to_where(
    hasher: MediaHasher, known: bytes
) -> None:
    found = hasher.hash(clip([(11, 8.0), *SCENES[1:], (12, 10.0)], width=480, height=270))
    (one,) = said(banks((INFO, known)), found.film)
    assert one.opinion == "positive"
    assert abs(float(one.detail["from_s"]) - 8) <= 2.1
    assert abs(float(one.detail["to_s"]) - 24) <= 2.1
    assert abs(float(one.detail["known_from_s"]) - 6) <= 2.1
    assert 0.3 < float(one.detail["share"]) < 0.6


def test_another_film_and_the_same_scenes_in_another_order(
    hasher: MediaHasher, known: bytes
) -> None:
    one = banks((INFO, known))
    assert said(one, hasher.hash(clip([(21, 8.0), (22, 8.0)])).film) == []
    turned = hasher.hash(clip([(4, 2.1), (1, 2.1)], key_every=21)).film
    (found,) = said(one, turned)
    assert (found.opinion, found.detail["few"]) == ("investigate", 1)


def test_what_is_round_a_hit_is_looked_at_closely(hasher: MediaHasher, known: bytes) -> None:
    upload = clip([(11, 4.0), *SCENES[:2]], key_every=80)
    sparse = hasher.hash(upload)
    assert len(unpacked(sparse.film)) <= 3
    closer = look_closer(hasher, banks((INFO, known)), upload)
    assert len(unpacked(closer.film)) >= 10
    (found,) = said(banks((INFO, known)), closer.film)
    assert found.opinion == "positive"
    assert (
        look_closer(hasher, banks((INFO, packed([Frame(bytes(range(32)), 0)]))), upload) == sparse
    )


def test_a_film_without_key_frames_for_long_is_decoded_through(hasher: MediaHasher) -> None:
    found = hasher.hash(clip([(1, 7.0), (2, 7.0)], key_every=1_000))
    assert found.unknown is None
    assert len(unpacked(found.film)) >= 6


def test_a_known_picture_in_a_film(hasher: MediaHasher, film: bytes) -> None:
    from openhaven.signals.hashes import pdq_of_array

    still, _ = pdq_of_array(picture(3, 1.0, 320, 180))
    found = hasher.hash(film)
    (one,) = said(banks((STILLS, still)), found.film)
    assert (one.value, one.opinion, one.detail["reading"]) == ("stills", "positive", "frame")
    assert 11 <= float(one.detail["at_s"]) <= 17


def test_a_harmless_film_of_which_more_is_found_clears_it(
    hasher: MediaHasher, film: bytes, known: bytes
) -> None:
    frames = unpacked(known)
    part = packed(frames[: len(frames) // 2])
    upload = hasher.hash(film).film
    (one,) = said(banks((INFO, part), (FINE, known)), upload)
    assert (one.opinion, one.detail["cleared_by"]) == ("noted", 2)
    (one,) = said(banks((INFO, known), (FINE, part)), upload)
    assert one.opinion == "positive"
    (one,) = said(banks((INFO, known), (FINE, known)), upload)
    assert one.opinion == "investigate"


@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_cut_off_and_damaged_films_have_a_reason_or_what_there_is(
    hasher: MediaHasher, part: float
) -> None:
    whole = clip([(1, 4.0)], form="mpeg", codec="mpeg2video", rate=25)
    left = whole[: int(len(whole) * part)]
    found = hasher.hash(left)
    assert found.unknown or found.film
    chance = random.Random(1)
    for _ in range(5):
        broken = bytearray(whole)
        for place in chance.sample(range(64, len(broken)), 200):
            broken[place] = chance.randrange(256)
        found = hasher.hash(bytes(broken))
        assert found.unknown or found.film
    for data in (b"\0\0\0\x18ftypmp42" + bytes(100), b"\x1aE\xdf\xa3" + chance.randbytes(500)):
        assert hasher.hash(data).unknown


def test_a_film_that_takes_too_long_ends_with_what_there_is_or_is_stopped() -> None:
    upload = clip([(1, 20.0)], key_every=1_000)
    quick = MediaHasher(film_s=0.0001)
    try:
        found = quick.hash(upload)
        assert found.unknown == child_module.LATE
        assert found.sha256
    finally:
        quick.close()
    from openhaven.signals.video.frames import TOO_LONG, look

    seen = look(upload, "video/mp4", None, 0.0)
    assert seen.unknown == TOO_LONG
    assert seen.frames


def test_the_decoder_cannot_open_files_and_has_no_secrets(hasher: MediaHasher, film: bytes) -> None:
    hasher.hash(film)
    for pid in hasher.pids():
        limits = Path(f"/proc/{pid}/limits").read_text()
        words = {line[:26].strip(): line[26:].split() for line in limits.splitlines()}
        assert words["Max open files"][0] == "3"
        assert words["Max processes"][0] == "0"


def test_a_killed_decoder_is_replaced(hasher: MediaHasher, film: bytes) -> None:
    import os
    import signal

    hasher.hash(film)
    for pid in hasher.pids():
        os.kill(pid, signal.SIGKILL)
    again = hasher.hash(film)
    assert again.film or again.unknown == child_module.CRASHED
    assert hasher.hash(film).film


def test_without_the_extra_the_reason_says_so(monkeypatch: pytest.MonkeyPatch, film: bytes) -> None:
    monkeypatch.setattr(media_module, "find_spec", lambda name: None)
    bare = MediaHasher()
    try:
        found = bare.hash(film)
    finally:
        bare.close()
    assert found.unknown == media_module.NO_FILMS
    assert found.sha256


def test_a_reviewer_gets_a_frame_to_look_at(hasher: MediaHasher, film: bytes) -> None:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(hasher.preview(film, 160))) as seen:
        assert max(seen.size) == 160
        shape = seen.width / seen.height
    # A larger one holds several stills, three beside each other.
    with Image.open(io.BytesIO(hasher.preview(film, 960))) as seen:
        assert 900 <= seen.width <= 960
        assert seen.width / seen.height != pytest.approx(shape, rel=0.2)


def test_a_film_is_put_into_a_bank_and_an_upload_of_it_leads_to_a_finding(
    haven: Haven, film: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(film)
    for words in (["create", "known-films", "--kind", "video", "--harm", "other"],
                  ["add-video", "known-films", str(file)]):  # fmt: skip
        result = CliRunner().invoke(bank, words, obj=haven)
        assert result.exit_code == 0, result.output
    assert "1 added" in result.output
    with haven.db.begin(system("test")) as tx:
        haven.banks.refresh(tx)
        platform, _ = intake.add_platform(tx, "films", webhook_url="https://films.example/hook")
    upload = clip(SCENES[1:], width=256, height=144, codec="libx264")
    found = look_closer(haven.hasher, haven.banks, upload)
    facts = MediaFacts(id="", sha256=found.sha256, md5=found.md5, type=found.type, film=found.film)
    with haven.db.begin(system("test")) as tx:
        facts = intake.accept_media(tx, haven.blobs, platform, upload, facts)
    with haven.db.read() as tx:
        stored = intake.media_facts(tx, platform, [facts.id])[facts.id]
    assert stored.film == found.film
    (one,) = said(haven.banks, stored.film)
    assert (one.value, one.opinion) == ("known-films", "positive")


# The order of frames --------------------------------------------------------------------------


def test_a_run_keeps_order_and_pace() -> None:
    true = [Sight(10_000 + 1_000 * n, 3_000 + 1_050 * n, 5) for n in range(20)]
    chance = random.Random(3)
    noise = [Sight(chance.randrange(40_000), chance.randrange(60_000), 20) for _ in range(60)]
    run = aligned([*noise, *true])
    assert sum(one in true for one in run) >= 17
    (part,) = parts(run)
    assert abs(part.asked_from - 10_000) <= 3_000
    backwards = [Sight(1_000 * n, 60_000 - 1_000 * n, 1) for n in range(20)]
    assert len(aligned(backwards)) == 1
    assert aligned([]) == []


@given(st.lists(st.builds(Sight, st.integers(0, 50_000), st.integers(0, 50_000),
                          st.integers(0, 31)), max_size=30))  # fmt: skip
def test_any_run_goes_forward_in_both(sights: list[Sight]) -> None:
    run = aligned(sights)
    assert all(one.asked < two.asked and one.known < two.known for one, two in pairwise(run))
    assert bool(run) == bool(sights)
    assert 0 <= share(parts(run), 0, 50_000) <= 1


def test_a_pause_parts_a_run() -> None:
    run = [Sight(at, at, 0) for at in (0, 1_000, 2_000, 30_000, 31_000)]
    assert parts(run) == [Part(0, 2_000, 0, 2_000), Part(30_000, 31_000, 30_000, 31_000)]


def test_a_close_look_is_a_minute_at_most() -> None:
    spans = spans_round(range(0, 600_000, 7_000))
    assert sum(end - begin for begin, end in spans) <= 60_000
    assert all(one[1] <= two[0] for one, two in pairwise(spans))


def test_films_are_stored_in_order_and_not_too_long() -> None:
    frames = [Frame(random.Random(n).randbytes(32), n * 10) for n in range(500)]
    assert unpacked(packed(frames)) == frames
    few = thinned(reversed(frames), 128)
    assert len(few) == 128
    assert few == sorted(few, key=lambda frame: frame.at)
    assert "order" in fault_of("video", packed(reversed(frames[:3])), None)
    assert "36 bytes" in fault_of("video", b"x" * 35, None)
    assert "broken" in fault_of("video", packed([Frame(bytes(32), 0)]), None)
