"""`python -m openhaven` is the same as `openhaven`."""

from openhaven.cli import main

main()
