"""`python -m bench.nearly`: what nearly-same texts and films cost; JSON as the last line.

Films are made here, of drifting shapes, so that nothing has to be had for it.
"""

import io
import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "signals"))

from openhaven.signals.banks import BankInfo, Row, Snapshot
from openhaven.signals.text import near

_ENTRIES = 100_000
_RING_S = 60.0


def main() -> int:
    """Print what was measured; the last line is for machines."""
    found = texts(_ENTRIES) | films()
    for name, value in found.items():
        sys.stdout.write(f"{name:32} {value:10.3f}\n")
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def texts(count: int) -> dict[str, float]:
    """Return milliseconds for a text of 40 words and of 300: its sketch, and its look-up."""
    chance = random.Random(1)  # noqa: S311 (nothing secret about it)
    info = BankInfo("bnk_1", "texts", "text", "spam", "positive", 31, "live")
    rows = [Row(n, "bnk_1", chance.randbytes(32), None, "") for n in range(1, count + 1)]
    banks = Snapshot.of((info,), rows)
    until = time.monotonic() + _RING_S
    while getattr(banks.banks["text"].parts.main, "ring", None) is None:
        if time.monotonic() > until:
            raise SystemExit("The index was not laid in time.")
        time.sleep(0.05)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(2_000)]
    taken = {}
    for size in (40, 300):
        text = " ".join(chance.choices(words, k=size))
        times = []
        for _ in range(300):
            start = time.thread_time()
            banks.match("text", near.sketch(text) or b"")
            times.append(1_000 * (time.thread_time() - start))
        taken[f"text_{size}_words_ms"] = round(statistics.median(times), 4)
    return taken


def films() -> dict[str, float]:
    """Return processor seconds for a minute of a film of 1920 x 1080 with 25 frames a second.

    A film of four seconds with a key frame every two is looked at, as at an upload and as for a
    bank, each three times; a still part of the cost is the decoder's start, which is not counted.
    """
    import av
    import numpy as np
    from clips import picture  # type: ignore[import-not-found]

    from openhaven.signals.video.frames import look

    file, still = io.BytesIO(), picture(1, 0.0, 1920, 1080)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.codec_context.gop_size = 50
        for number in range(100):
            moved = np.ascontiguousarray(np.roll(still, 8 * number, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode())
    film = file.getvalue()
    look(film, "video/mp4")  # loops are compiled, libraries loaded
    found = {}
    for name, dense in (("film_upload", ()), ("film_bank", None)):
        times = []
        for _ in range(3):
            start = time.process_time()
            look(film, "video/mp4", dense)
            times.append(15 * (time.process_time() - start))
        found[f"{name}_cpu_s_per_minute"] = round(statistics.median(times), 3)
    return found


if __name__ == "__main__":
    sys.exit(main())
