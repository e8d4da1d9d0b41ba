"""A shipped policy pack. Its text files are the pack."""
