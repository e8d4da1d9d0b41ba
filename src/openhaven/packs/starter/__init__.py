"""The starter pack: the other packs together, and rules on reports, pictures and demo words."""
