"""Read-only SQL from people: each query in a process of its own, on a snapshot, with nothing else in reach.

`desk.py` is what pages call; `child.py` is what runs in the process (`python -m store.sandbox`).
"""
