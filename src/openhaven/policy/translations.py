"""Reads `policy.de.md` and the like: the clauses of policy.md in another language.

A translation has the same anchors and grounds. A clause that is missing in one is a warning, and is
shown in the language of policy.md instead; one that policy.md does not have is a mistake.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from openhaven.policy.clauses import read_clauses
from openhaven.policy.folder import TRANSLATION
from openhaven.policy.model import Clause, Translation
from openhaven.policy.places import START, PackError, Source, did_you_mean


def translated(
    texts: Mapping[str, str],
    order: Iterable[str],
    clauses: Mapping[str, Clause],
    errors: list[PackError],
    warnings: list[PackError],
) -> dict[str, Clause]:
    """Return `clauses` with their translations, as the packs that stand at `order` have them."""
    found = dict(clauses)
    for at in order:
        own = read_clauses(Source("", texts.get(f"{at}policy.md", "")), [])
        for file in sorted(name for name in texts if name.startswith(at)):
            if match := TRANSLATION.fullmatch(file.removeprefix(at)):
                _take(Source(file, texts[file]), match[1], own, found, errors, warnings)
    return found


def _take(
    source: Source,
    language: str,
    own: Mapping[str, Clause],
    found: dict[str, Clause],
    errors: list[PackError],
    warnings: list[PackError],
) -> None:
    """Add the clauses of one translation to those found."""
    translations = read_clauses(source, errors)
    warnings += [
        source.error(START, f"The clause “{anchor}” is missing in this translation.")
        for anchor in own
        if anchor not in translations
    ]
    for anchor, said in translations.items():
        place = source.find(f"{{#{anchor}}}")
        if anchor not in own:
            what = f"policy.md has no clause “{anchor}”.{did_you_mean(anchor, own)}"
            errors.append(source.error(place, what))
            continue
        if said.ground != own[anchor].ground:
            what = f"In policy.md the ground of this clause is “{own[anchor].ground}”."
            errors.append(source.error(place, what))
        texts = {
            **found[anchor].texts,
            language: Translation(said.title, said.text, said.reference),
        }
        found[anchor] = replace(found[anchor], texts=texts)
