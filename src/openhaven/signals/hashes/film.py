"""Moving pictures: hashes of the frames that differ, few enough to look each of them up."""

from PIL import Image

from openhaven.signals.hashes.model import MIN_QUALITY, PIXELS, Reading
from openhaven.signals.hashes.perceptual import MIN_SIDE, Grid
from openhaven.signals.hashes.readings import distance, pixels_of, reading
from openhaven.signals.hashes.seeing import in_colours

MOVING = ("GIF", "WEBP", "PNG", "AVIF", "TIFF")
FRAMES = 600
FRAME_PIXELS = 100_000_000  # in all frames together: some two seconds of work
NEAR = 8  # frames that differ in no more bits are one
FAR = 31  # the usual radius of a comparison
MORE_FRAMES = "it is longer than what was looked at"
MORE_SCENES = "it has more different scenes than are compared"


def later_frames(picture: Image.Image, turn: int, room: int) -> tuple[list[Reading], str | None]:
    """Return readings of at most `room` frames after the first, and what was left out, in words.

    Frames are decoded one after another until the end or a limit, whichever comes first.
    """
    seen: list[Reading] = []
    left = FRAME_PIXELS
    for number in range(1, FRAMES + 1):
        try:
            picture.seek(number)
        except EOFError:
            return _scenes(seen, room)
        size = picture.width * picture.height
        left -= size
        if number == FRAMES or left < 0 or size > PIXELS:
            break
        picture.load()
        if min(picture.size) >= MIN_SIDE:
            one = reading("frame", Grid(pixels_of(in_colours(picture)), turn))
            if one.quality >= MIN_QUALITY and _new(one, seen):
                seen.append(one)
    scenes, _ = _scenes(seen, room)
    return scenes, MORE_FRAMES


def _new(one: Reading, seen: list[Reading]) -> bool:
    return all(distance(one.pdq, other.pdq) > NEAR for other in reversed(seen))


def _scenes(seen: list[Reading], room: int) -> tuple[list[Reading], str | None]:
    """Choose, one after another, the frame that is farthest from those that were chosen."""
    if len(seen) <= room:
        return seen, None
    chosen = [seen[0]]
    gaps = [distance(one.pdq, chosen[0].pdq) for one in seen]
    while len(chosen) < room:
        farthest = gaps.index(max(gaps))
        chosen.append(seen[farthest])
        nearer = (distance(one.pdq, chosen[-1].pdq) for one in seen)
        gaps = [min(pair) for pair in zip(gaps, nearer, strict=True)]
    return chosen, MORE_SCENES if max(gaps) > FAR else None
