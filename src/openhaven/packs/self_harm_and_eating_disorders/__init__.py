"""The pack for people in pain: it leads to help, never to punishment. Its text files are the pack."""
