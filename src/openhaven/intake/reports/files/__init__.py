"""Pictures that are sent along with a report: few, small, sealed for who reports, and never where
it may be a crime to send them.
"""

from openhaven.intake.reports.files.actions import keep_files
from openhaven.intake.reports.files.model import LARGEST, MOST, NO_FILES, picture_type
from openhaven.intake.reports.files.store import Sent, file_of, files_of

__all__ = [
    "LARGEST",
    "MOST",
    "NO_FILES",
    "Sent",
    "file_of",
    "files_of",
    "keep_files",
    "picture_type",
]
