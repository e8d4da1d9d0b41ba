"""Invented communities and patterns of harm, to see what the signs of behaviour find and miss.

No words are ever said in them: accounts, ages and contacts only. How often things happen is assumed
(docs/behaviour.md says so); what is measured is the real counting and the real rules.
"""
