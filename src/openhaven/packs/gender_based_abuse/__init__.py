"""The pack against stalking, doxxing and pile-ons. Its text files are the pack."""
