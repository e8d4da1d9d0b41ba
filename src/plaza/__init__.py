"""Plaza: a small demo platform, and the reference for how a real one works with Openhaven.

It knows nothing of Openhaven but its public API. Read `openhaven.py` first (the part that is worth
copying), then `actions.py` (what people do, and what is told), `acts.py` (what is carried out).
Everything here is synthetic, there are no passwords, and no `openhaven serve` ever loads it.
"""
