"""The shapes of what others name: ids, countries, languages, moments. Checked when decoded."""

from datetime import datetime
from typing import Annotated

import msgspec

# Room for the longest ids in use (Matrix: 255 characters) with a prefix of ours before them.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
# In Python `$` would let a line feed follow, so the length is part of the shape.
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", max_length=2)]
Language = Annotated[
    str, msgspec.Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\\n)", max_length=35)
]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
