"""The pack on intimate pictures without consent, real or faked. Its text files are the pack."""
