"""The servers of lab 1: three that it shows, and what its check makes of them.

Launch costs are those that timing/costs.py assumes. The prices of a capture are published and named below. All else,
kernels, hosts and steps, is made up.
"""

from __future__ import annotations

Server = dict[str, float]

CHAT: Server = {
    "num_kernels": 375,
    "kernel_us": 2.2,
    "host_us": 150.0,
    "launch_us": 7.5,
    "gap_us": 1.0,
    "graph_launch_us": 2.5,
    "graph_gap_us": 0.7,
    "copy_us": 6.0,
    "num_graphs": 35,
    "capture_ms": 57,  # a piecewise graph: vllm#22897
    "mib_per_graph": 10,  # outside the shared pool: TensorRT-LLM blog 20
    "free_mib": 2000,
    "startup_budget_s": 60.0,
    "steps": 10_000_000,
}
TESTS: Server = {**CHAT, "num_graphs": 51, "capture_ms": 400, "steps": 2000}  # a full graph: vllm#11349
LARGE: Server = {
    **CHAT,
    "num_kernels": 200,
    "kernel_us": 180.0,
    "host_us": 300.0,
    "copy_us": 90.0,
    "steps": 3_000_000,
}
THREE_GRAPHS: Server = {**CHAT, "num_graphs": 3, "capture_ms": 530, "kernel_us": 6.6, "steps": 4000}
BUSY_HOST: Server = {**CHAT, "host_us": 1500.0}
JUST_FITS: Server = {**CHAT, "num_graphs": 32, "capture_ms": 125, "free_mib": 320, "startup_budget_s": 4.0}
SERVERS = {
    "chat, small model, one start a day": CHAT,
    "the same model, started for every test": TESTS,
    "large batches of a large model": LARGE,
}
