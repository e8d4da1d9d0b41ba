"""Reads the files of a pack from its folder, within limits, and takes their fingerprint.

Only the files that a pack is made of count. Names that begin with a dot or two underscores and
README.md are passed over, so that a pack may be a Git checkout or a Python package.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from openhaven.policy.places import PackError, Source, did_you_mean, named
from openhaven.policy.vocabulary import RESERVED

FILES = ("pack.toml", "policy.md", "rules.yaml", "counters.yaml", "examples.yaml")
NEEDED = ("pack.toml", "policy.md", "rules.yaml")
FOLDERS = ("terms", "links")
NAME = re.compile(r"(?!(?:terms|links)$)[a-z0-9][a-z0-9-]{0,62}")
TRANSLATION = re.compile(r"policy\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.md")
_UNCOMMON = re.compile(r"[^\n\r\t -~]")
_LIST = re.compile(r"(?:terms|links)/([a-z][a-z0-9_]{0,62})\.txt")
_FILE_LIMIT = 2_000_000
_COUNT_LIMIT = 500
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_folder(folder: Path, errors: list[PackError], under: str = "") -> dict[str, str]:
    """Return the text of every file of the pack by its name there; mistakes go to `errors`.

    `under` is put before each name. A folder that is a pack of its own is passed over.
    """
    if not folder.is_dir():
        errors.append(PackError(str(folder), 1, 1, "There is no folder here. A pack is a folder."))
        return {}
    paths = sorted(_paths(folder))
    if len(paths) > _COUNT_LIMIT:
        errors.append(PackError(".", 1, 1, f"A pack has at most {_COUNT_LIMIT} files."))
        return {}
    names = {under + path.relative_to(folder).as_posix(): path for path in paths}
    texts = {name: _text(name, len(under), path, errors) for name, path in names.items()}
    return {name: text for name, text in texts.items() if text is not None}


def is_pack(path: Path) -> bool:
    """Say whether a folder inside a pack is itself a pack, for the pack around it to include."""
    manifest = path / "pack.toml"
    return bool(NAME.fullmatch(path.name)) and not path.is_symlink() and manifest.is_file()


def fingerprint(texts: dict[str, str]) -> str:
    """Return `sha256:` and 64 hex digits over the sorted names and contents with their lengths."""
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        for part in (name.encode(), text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return f"sha256:{digest.hexdigest()}"


def _paths(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if not _passed_over(path)]
    inner = [p for path in found if path.name in FOLDERS and path.is_dir() for p in path.iterdir()]
    own = [path for path in found if not (path.name in FOLDERS and path.is_dir())]
    return own + [path for path in inner if not _passed_over(path)]


def _passed_over(path: Path) -> bool:
    return path.name.startswith((".", "__")) or path.name == "README.md" or is_pack(path)


def _text(name: str, own: int, path: Path, errors: list[PackError]) -> str | None:
    """Return the text of one file, or tell why it cannot be part of a pack.

    Its name within its own pack begins at the character `own` of `name`.
    """
    if fault := _misplaced(path) or _misnamed(name[own:]):
        errors.append(PackError(name, 1, 1, fault))
        return None
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        errors.append(PackError(name, 1, 1, f"This is not UTF-8 text (byte {error.start})."))
        return None
    except OSError as error:
        errors.append(PackError(name, 1, 1, f"This file cannot be read: {error.strerror}."))
        return None
    return text


def check_texts(texts: Mapping[str, str], errors: list[PackError]) -> None:
    """Tell of files with wrong names, and of letters in them that hide something.

    It is for every set of files, since a draft was never read from a folder.
    """
    for name, text in sorted(texts.items()):
        head, _, tail = name.partition("/")
        own = tail if tail and head not in FOLDERS else name
        if fault := _misnamed(own):
            errors.append(PackError(name, 1, 1, fault))
        else:
            _clean(Source(name, text), errors)


def _misplaced(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return "A pack holds plain files, no links to elsewhere."
    if path.stat().st_size > _FILE_LIMIT:
        return f"A file of a pack has at most {_FILE_LIMIT:,} bytes."
    return ""


def _misnamed(name: str) -> str:
    match = _LIST.fullmatch(name)
    if match and match[1] in RESERVED:
        return f"“{match[1]}” is a word of the rule language; give the list another name."
    if match or name in FILES or TRANSLATION.fullmatch(name):
        return ""
    if name.startswith(FOLDERS):
        return "A list has a name of small letters and underscores: `terms/scam_bait.txt`."
    return f"This is no file of a pack.{did_you_mean(name, FILES)}"


def _clean(source: Source, errors: list[PackError]) -> None:
    """Refuse characters that hide something: controls, and turns of the reading direction."""
    code = source.file.endswith((".yaml", ".toml"))
    for found in _UNCOMMON.finditer(source.text):
        at, letter = found.start(), found.group()
        kind = unicodedata.category(letter)
        if kind in ("Cc", "Cs", "Zl", "Zp") or letter in _BIDI or (kind == "Cf" and code):
            what = f"{named(letter)} cannot be seen and may make a line read as something else."
            errors.append(source.error(source.place(at), what))
            return
