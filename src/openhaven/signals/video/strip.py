"""A film as one picture: up to six stills from its beginning to its end, for a person who looks.

Runs in the decoder's own process. Only key frames are decoded, one after each jump, so the work
does not grow with the length of the film. No sound is decoded.
"""

from typing import Any

from av.video.frame import VideoFrame
from PIL import Image

from openhaven.signals.video.frames import check, length_ms, opened, poster

STILLS, ACROSS, LEAST = 6, 3, 300


def strip(data: bytes, kind: str, width: int) -> Image.Image:
    """Return stills of a film in rows of three, `width` pixels wide at most.

    Of a short film, or where less than 300 pixels are asked for, it is one still. Raises
    `UndecodableError` when there is no picture in it.
    """
    stills = _stills(data, kind) if width >= LEAST else []
    if len(stills) < 2:
        image = poster(data, kind)
        image.thumbnail((width, width))
        return image
    for one in stills:
        one.thumbnail((width // ACROSS, width // ACROSS))
    cell = max(one.width for one in stills), max(one.height for one in stills)
    rows = -(-len(stills) // ACROSS)
    sheet = Image.new("RGB", (cell[0] * min(ACROSS, len(stills)), cell[1] * rows))
    for number, one in enumerate(stills):
        sheet.paste(one, (number % ACROSS * cell[0], number // ACROSS * cell[1]))
    return sheet


def _stills(data: bytes, kind: str) -> list[Image.Image]:
    found: dict[int, Image.Image] = {}
    with opened(data, kind) as (container, stream):
        stream.codec_context.skip_frame = "NONKEY"
        length = length_ms(container, stream)
        for number in range(STILLS):
            if number:
                container.seek(length * 1_000 * number // STILLS)
            frame = next(container.decode(stream), None)
            if frame is not None and frame.pts not in found:
                found[frame.pts] = _image(frame)
            if length <= 0:
                break
    return [found[at] for at in sorted(found, key=lambda one: one or 0)]


def _image(frame: VideoFrame) -> Any:
    check(frame)
    return Image.fromarray(frame.reformat(format="rgb24", threads=1).to_ndarray())
