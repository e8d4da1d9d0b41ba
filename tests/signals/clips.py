"""Films made for tests: shapes that drift over colour gradients, another look in each scene."""

import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def picture(scene: int, moment: float, width: int, height: int) -> Picture:
    """Return one frame, uint8 (height, width, 3), of a scene at a moment in seconds."""
    chance = np.random.default_rng(scene)
    coarse = chance.random((6, 8, 3))
    y = np.linspace(0, 4.99, height)
    x = (np.linspace(0, 6.99, width) + 0.12 * moment) % 6.98
    low_y, low_x = y.astype(int), x.astype(int)
    part_y, part_x = (y - low_y)[:, None, None], (x - low_x)[None, :, None]
    upper = coarse[low_y][:, low_x] * (1 - part_x) + coarse[low_y][:, low_x + 1] * part_x
    lower = coarse[low_y + 1][:, low_x] * (1 - part_x) + coarse[low_y + 1][:, low_x + 1] * part_x
    out = (255 * (upper * (1 - part_y) + lower * part_y)).astype(np.uint8)
    place = int((0.1 + 0.08 * moment % 0.7) * width)
    out[height // 4 : height // 2, place : place + width // 10] = 255 - scene % 7 * 20
    return out


def clip(
    scenes: Sequence[tuple[int, float]],
    *,
    width: int = 320,
    height: int = 180,
    rate: int = 10,
    codec: str = "mpeg4",
    form: str = "mp4",
    key_every: int = 20,
    start: float = 0.0,
) -> bytes:
    """Return an encoded film of (scene, seconds) one after another; each begins at `start`."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.gop_size = key_every
        stream.codec_context.thread_count = 1
        count = 0
        for scene, seconds in scenes:
            for number in range(int(seconds * rate)):
                frame = av.VideoFrame.from_ndarray(
                    picture(scene, start + number / rate, width, height), format="rgb24"
                )
                frame.pts, frame.time_base = count, Fraction(1, rate)
                container.mux(stream.encode(frame))
                count += 1
        container.mux(stream.encode())
    return file.getvalue()
