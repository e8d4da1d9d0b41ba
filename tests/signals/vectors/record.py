"""Records the vectors with the reference program (`pip install pdqhash`, needs a compiler).

Run as `python tests/signals/vectors/record.py` in an environment of its own: the package is not
among the dependencies. The pictures themselves are made by code and not stored.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pdqhash  # type: ignore[import-not-found]

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from pictures import make  # noqa: E402

SIZES = [
    (5, 5), (8, 64), (63, 64), (64, 64), (65, 64), (64, 200), (100, 100), (127, 128), (128, 129),
    (200, 64), (240, 320), (256, 256), (333, 777), (512, 512), (600, 800), (777, 333), (1000, 90),
    (1024, 1024), (1080, 1920), (1500, 1001), (2048, 512),
]  # fmt: skip
RECIPES = ["field", "noise", "gradient", "shapes", "page", "grey"]
LARGE = [("shapes", 3000, 4000), ("page", 4000, 2500), ("flat", 300, 400), ("flat", 64, 64)]

TURNED = [("shapes", 501, 300, 400), ("field", 502, 511, 257), ("page", 503, 640, 640)]


def main() -> None:
    """Write one line a picture: recipe, seed, size, hash and quality."""
    wanted = [(recipe, *size) for size in SIZES for recipe in RECIPES] + LARGE
    vectors = []
    for seed, (recipe, height, width) in enumerate(wanted):
        pixels = make(recipe, seed, height, width)
        if pixels.ndim == 2:
            pixels = np.ascontiguousarray(np.repeat(pixels[:, :, None], 3, axis=2))
        bits, quality = pdqhash.compute(pixels)
        vectors.append(
            {"recipe": recipe, "seed": seed, "height": height, "width": width,
             "pdq": np.packbits(bits.astype(np.uint8)).tobytes().hex(), "quality": int(quality)}
        )  # fmt: skip
    write("pdq.json", vectors)
    write("dihedral.json", [eight(*one) for one in TURNED])


def eight(recipe: str, seed: int, height: int, width: int) -> dict[str, object]:
    """Return the reference's hashes of all eight orientations, in its order."""
    pixels = make(recipe, seed, height, width)
    hashes, _ = pdqhash.compute_dihedral(pixels)
    values = [np.packbits(np.asarray(one).astype(np.uint8)).tobytes().hex() for one in hashes]
    return {"recipe": recipe, "seed": seed, "height": height, "width": width, "eight": values}


def write(name: str, vectors: list[dict[str, object]]) -> None:
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
