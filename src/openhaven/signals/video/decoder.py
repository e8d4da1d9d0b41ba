"""The decoder's own process for films: `python -m openhaven.signals.video.decoder` on a socket.

It is apart from that for pictures, because its codecs are many, are attacked more, and carry
licences of their own (the extra `video`). Its walls are the same.
"""

import io
from contextlib import suppress

import av
import numpy as np

from openhaven.signals.hashes.decode import UndecodableError
from openhaven.signals.hashes.decoder import serve
from openhaven.signals.hashes.perceptual import pdq_of_array
from openhaven.signals.hashes.wire import Answer, Job
from openhaven.signals.video.frames import look
from openhaven.signals.video.model import packed
from openhaven.signals.video.strip import strip

_PART = 0.6  # of the processor time that is allowed: then it ends by itself, with what it has


def answer(job: Job) -> Answer:
    """Return what is seen of the job's film; never raises for what the bytes are."""
    try:
        if job.max_px:
            return Answer(preview=_preview(job))
        dense = None if job.whole else job.dense
        film = look(job.data, job.kind, dense, job.cpu_s * _PART)
    except UndecodableError as error:
        return Answer(unknown=str(error))
    return Answer(film.width, film.height, film=packed(film.frames), unknown=film.unknown)


def _preview(job: Job) -> bytes:
    image = strip(job.data, job.kind, job.max_px)
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=82)
    return out.getvalue()


def _warm_up() -> None:
    """Look at a small film, so that whatever decoding loads is loaded now."""
    av.logging.set_level(av.logging.PANIC)
    grey = np.zeros((128, 128), np.uint8)
    pdq_of_array(grey)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = len(grey)
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    _preview(Job(file.getvalue(), 320, 1, "video/mp4"))
    for dense in ((), None):
        look(file.getvalue(), "video/mp4", dense)
    with suppress(UndecodableError):
        look(bytes(64), "video/webm")


if __name__ == "__main__":
    serve(_warm_up, answer)
