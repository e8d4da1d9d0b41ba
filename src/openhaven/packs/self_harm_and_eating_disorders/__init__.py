"""The pack for people in pain: it leads to help, never to punishment. Its files are the pack."""
