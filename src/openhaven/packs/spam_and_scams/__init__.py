"""The pack against tricks for money and against floods of adverts. Its text files are the pack."""
