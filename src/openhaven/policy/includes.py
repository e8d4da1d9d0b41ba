"""Puts a pack together with the packs that it includes: one set of files, one order.

`include = ["child-safety"]` in pack.toml brings in all that the pack of that name holds. A copy of
it in a folder `child-safety/` inside the pack comes before the installed one, so that a platform
can pin or change what it includes. Either way its files stand under `child-safety/…` in the set,
however deep the including goes, so that one fingerprint covers everything, and a mistake is told
with the file it is in.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from openhaven.policy.folder import NAME, NEEDED, is_pack, read_folder
from openhaven.policy.places import START, PackError, Source, did_you_mean
from openhaven.policy.shipped import shipped

MANIFEST = "pack.toml"
_MOST = 50


def read_packs(folder: Path, errors: list[PackError]) -> dict[str, str]:
    """Return the text of every file of the pack in `folder` and of what it includes, by name.

    Mistakes go to `errors`.
    """
    texts = read_folder(folder, errors)
    waiting = _included(texts, "")
    installed = shipped() if waiting else {}
    named = set(waiting) if not errors else {path.name for path in _copies(folder)}
    while waiting and not errors:
        name = waiting.pop(0)
        if f"{name}/{MANIFEST}" in texts:
            continue
        home = folder / name if is_pack(folder / name) else installed.get(name)
        if home is None:
            known = {**installed, **{path.name: path for path in _copies(folder)}}
            errors.append(_missing(texts, name, known))
        else:
            texts.update(read_folder(home, errors, f"{name}/"))
            waiting += (inner := _included(texts, f"{name}/"))
            named.update(inner)
    errors += [_needless(path.name) for path in _copies(folder) if path.name not in named]
    return texts


def in_order(texts: Mapping[str, str], errors: list[PackError]) -> list[str]:
    """Return where the packs in `texts` stand, such as `child-safety/`; "" is the pack itself.

    What is included comes before what includes it. Mistakes go to `errors`: a pack that is not
    there, one that includes itself by whatever way, files that nothing includes, files missing.
    """
    order: list[str] = []
    _visit(texts, "", (), order, errors)
    parts = {name.partition("/")[0] for name in texts if "/" in name} - {"terms", "links"}
    errors += [_needless(part) for part in sorted(parts) if f"{part}/" not in order and not errors]
    for at in order:
        needed = (MANIFEST,) if _included(texts, at) else NEEDED
        missing = [at + name for name in needed if at + name not in texts]
        errors += [PackError(name, 1, 1, "This file is missing from the pack.") for name in missing]
    return order


def _visit(
    texts: Mapping[str, str],
    at: str,
    above: tuple[str, ...],
    order: list[str],
    errors: list[PackError],
) -> None:
    if at in order or errors:
        return
    for name in _included(texts, at):
        inner = f"{name}/"
        if inner in (*above, at):
            way = " → ".join(one.strip("/") for one in (*above, at, inner) if one)
            what = f"A pack cannot include itself, here by this way: {way}."
            errors.append(_at_name(texts, at, name, what))
        elif inner + MANIFEST not in texts:
            errors.append(_missing(texts, name, _parts(texts)))
        elif len(above) > _MOST:
            errors.append(_at_name(texts, at, name, f"Packs include each other {_MOST} deep."))
        else:
            _visit(texts, inner, (*above, at), order, errors)
    order.append(at)


def _included(texts: Mapping[str, str], at: str) -> list[str]:
    """Return what the pack at `at` includes; nothing when that cannot be read, told elsewhere."""
    try:
        data = tomllib.loads(texts.get(at + MANIFEST, ""))
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    names = data.get("include", [])
    good = isinstance(names, list) and len(names) <= _MOST
    return (
        [name for name in names if isinstance(name, str) and NAME.fullmatch(name)] if good else []
    )


def _missing(texts: Mapping[str, str], name: str, known: Mapping[str, object]) -> PackError:
    at = next(one for one in ("", *_parts(texts)) if name in _included(texts, one))
    near = did_you_mean(name, [one.strip("/") for one in known])
    what = f"There is no pack “{name}” to include.{near}"
    return _at_name(texts, at, name, what)


def _at_name(texts: Mapping[str, str], at: str, name: str, what: str) -> PackError:
    source = Source(at + MANIFEST, texts.get(at + MANIFEST, ""))
    place = source.find(f'"{name}"')
    return source.error(place if place != START else source.find("include"), what)


def _needless(name: str) -> PackError:
    what = f'Nothing includes this pack. Write `include = ["{name}"]` in pack.toml, or remove it.'
    return PackError(f"{name}/{MANIFEST}", 1, 1, what)


def _parts(texts: Mapping[str, str]) -> dict[str, None]:
    return {name.removesuffix(MANIFEST): None for name in texts if name.endswith(f"/{MANIFEST}")}


def _copies(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_pack(path)) if folder.is_dir() else []
