"""The starter pack: plain rules for a small platform. Its text files are the pack."""
