"""Policy packs that are shipped with the system, one folder each; every pack is text files."""
