"""`make bench`: how fast the line is, how quickly it starts, how much memory it takes.

Everything is measured from outside, on real processes with a real PostgreSQL whose commits wait for
the disk: events are posted over HTTP by a sender in a process of its own, and the clock stops when
the last of them has its verdict. Each figure is the median of several rounds. Nothing leaves the
machine, and nothing stays on it.
"""
