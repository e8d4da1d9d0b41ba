"""The pack against threats, wounding words and hatred. Its text files are the pack."""
