"""Measured, from the command line: `python -m mini_lib.bench --help`.

Each verb prints a table for people and then one line of JSON for programs; with `--json` only the JSON. Every result
names its device, versions, date and command. Times are medians of interleaved blocks, since a machine that slows down
half way would otherwise favour whoever ran first. Nothing here is a simulation, and no number from a CPU says what a
CUDA graph saves: a CPU has no launch to save.
"""
