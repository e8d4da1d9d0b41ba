"""The decoder's own process: `python -m openhaven.signals.hashes.decoder` on a socket as input.

Decoders of pictures are where crafted files attack. This process therefore holds nothing worth
having: it opens no file and starts no program once it runs, has little memory and time, gives up
root where it was started with it, and ends when it is idle or its parent is gone.
"""

import io
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace
from PIL import Image, ImageCms

from openhaven.signals.hashes import hashers
from openhaven.signals.hashes.decode import (
    CUT_OFF,
    FORMATS,
    UndecodableError,
    cut_off_allowed,
    look,
    preview,
    shown,
)
from openhaven.signals.hashes.loops import SIDE
from openhaven.signals.hashes.wire import Answer, Job, receive, send

MEMORY = 1 << 30
NOBODY = 65534

_hashers: list[hashers.Hasher] = []


def main() -> None:
    """Serve pictures."""
    serve(_warm_up, answer)


def serve(warm_up: Callable[[], None], answer: Callable[[Job], Answer]) -> None:
    """Answer jobs one after another until the line closes or nothing comes for the idle time.

    What `warm_up` loads is there before the doors are closed.
    """
    try:
        line = socket.socket(fileno=0)
    except OSError:
        sys.exit("The decoder is started by Openhaven itself, on a socket as its input.")
    warm_up()
    _close_doors()
    line.settimeout(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    send(line, Answer())
    while True:
        try:
            job = receive(line, Job)
        except TimeoutError:
            return
        if job is None:
            return
        _allow_cpu(job.cpu_s)
        send(line, answer(job))


def answer(job: Job) -> Answer:
    """Return what is seen in the job's bytes; never raises for what the bytes are."""
    try:
        return _answer(job)
    except UndecodableError as error:
        reason = str(error)
    if reason != CUT_OFF:
        return Answer(unknown=reason)
    try:
        with cut_off_allowed():
            seen = _answer(job)
    except UndecodableError:
        return Answer(unknown=CUT_OFF)
    return replace(seen, unknown=CUT_OFF)


def _answer(job: Job) -> Answer:
    if job.max_px:
        return Answer(preview=preview(job.data, job.max_px))
    seen = look(job.data)
    main = seen.main
    unknown = seen.unknown
    by_plugins: tuple[bytes, ...] = ()
    if _hashers:
        by_plugins, failed = hashers.hashed(shown(job.data), _hashers)
        unknown = "; ".join(filter(None, (unknown, failed))) or None
    return Answer(
        seen.width, seen.height, main.pdq, main.quality, seen.others, unknown=unknown,
        plugin_hashes=by_plugins,
    )  # fmt: skip


def _warm_up() -> None:
    """Look at a small picture of each kind, so that whatever decoding loads is loaded now."""
    _hashers.extend(hashers.installed().values())
    frames = [Image.new("P", (SIDE, SIDE), shade) for shade in range(2)]
    note = Image.Exif()
    note[0x0112] = 6
    for form in FORMATS.values():
        file = io.BytesIO()
        first = frames[0] if form in ("GIF", "PNG", "BMP") else frames[0].convert("RGB")
        with suppress(OSError, KeyError):  # a kind that cannot be written here
            first.save(file, form, save_all=form == "GIF", append_images=frames[1:], exif=note)
            preview(file.getvalue(), SIDE)
            look(file.getvalue())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    inks = io.BytesIO()
    Image.new("CMYK", (SIDE, SIDE)).save(inks, "JPEG", icc_profile=profile)
    look(inks.getvalue())


def _close_doors() -> None:
    """Give up what decoding does not need; from here no file or socket can be opened."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        mapped = int(statm.read().split()[0]) * resource.getpagesize()
    if os.geteuid() == 0:
        with suppress(OSError):  # a container may forbid even this
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    for kind, most in (
        (resource.RLIMIT_AS, mapped + MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(kind, (most, most))


def _allow_cpu(seconds: int) -> None:
    """Let this job use so much more processor time; the kernel ends the process beyond it."""
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
