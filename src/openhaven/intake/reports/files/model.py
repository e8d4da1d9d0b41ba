"""Which pictures are taken along with a report. Pure."""

from openhaven.core import Problem
from openhaven.core.words import mark

LARGEST = 5_000_000
MOST = 3

# Here an address or a number is enough, and to send the picture may be a crime or a new harm.
NO_FILES = frozenset({
    "csam.known", "csam.ai_generated", "grooming", "sextortion.minor", "sadistic_exploitation",
    "child_trafficking", "ncii", "ncii.deepfake", "pornography.minor_exposed",
})  # fmt: skip

_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"),
          (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"))  # fmt: skip


def picture_type(data: bytes) -> str | None:
    """Return the media type that the first bytes of a picture say, or None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def check(harm: str, files: int) -> None:
    """Raise `Problem` (400) where no picture is taken, or so many are not."""
    if files and harm in NO_FILES:
        raise Problem("report.no_file",
                      mark("For this we take no pictures. Nothing was sent or kept."),
                      next_step=mark("Give the address or the number only: we find it by that. In "
                                     "many countries it is a crime to send such a picture, even to "
                                     "report it."))  # fmt: skip
    if files > MOST:
        raise Problem("report.files", mark("We take three pictures at most."),
                      next_step=mark("Leave some out."))  # fmt: skip


def check_one(data: bytes) -> str:
    """Return the type of a picture; raises `Problem` (400) for what is none, or too large."""
    kind = picture_type(data)
    if kind is None or len(data) > LARGEST:
        raise Problem("report.file", mark("This is no picture that we can take."),
                      next_step=mark("Send a JPEG, PNG, WebP or GIF of 5 MB at most."))  # fmt: skip
    return kind
