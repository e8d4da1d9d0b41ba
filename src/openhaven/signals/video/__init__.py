"""Films: hashes of the frames that tell scenes apart, and the order in which they come again.

`frames` looks at a film, in a decoder process of its own (`decoder`), since the codecs are those of
the extra `video`; `align` finds which part of one film is part of another.
"""

from openhaven.signals.video.align import Part, Sight, aligned, parts
from openhaven.signals.video.model import Film, Frame, packed, unpacked

__all__ = ["Film", "Frame", "Part", "Sight", "aligned", "packed", "parts", "unpacked"]
