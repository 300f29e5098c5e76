"""What runs inside the process of a function instance: the contract of FC's Python runtime.

Standard library only. `start.py` is run as a script and makes this folder importable by itself, so that nothing of the
local cloud can be seen, or stood on, by the function.
"""
