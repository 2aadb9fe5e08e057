"""`bench vllm`: the time between two tokens in vLLM itself, with `enforce_eager` against its graphs, by batch size.

Two processes, one after the other, since vLLM keeps the GPU until its process ends. Each builds the same model shape
with random weights (`load_format="dummy"`, from a config file that is written here, so nothing is fetched), and serves
batches offline. The rows are those of `bench record step` with style "vllm", so that the same tables show both.

Not modelled: contestants in turns (they cannot share the GPU), and time on the GPU alone: this is vLLM from end to end.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mini_lib.bench.provenance import on_gpu, provenance
from mini_lib.bench.table import table
from mini_lib.bench.vllm_leg import PACKAGE
from mini_lib.config import ModelConfig
from mini_lib.graphs.progress import progress_bar

MODES = {"NONE": True, "FULL_AND_PIECEWISE": False}  # what vLLM runs by default (0.33.0), and enforce_eager
LIMIT_S = 900
NOTE = (
    "Time between two tokens from end to end, by the wall clock: requests of two lengths are served, and what the "
    "longer ones take more is divided by the tokens that they have more. Weights are random; the prompt and start-up "
    "are in no figure."
)


class Question(NamedTuple):
    """What to ask vLLM: a model's shape, batch sizes, tokens of the prompt and new ones, and how often."""

    config: ModelConfig
    batch_sizes: tuple[int, ...]
    prompt_tokens: int = 128
    new_tokens: int = 128
    repeats: int = 20


def why_not_here(device_module: ModuleType) -> str:
    """Return the sentence that says why vLLM cannot be measured here; empty where it can."""
    if importlib.util.find_spec(PACKAGE) is None:
        return "vLLM is not installed here: on a machine with a GPU, `pip install vllm` into an environment of its own."
    return "" if on_gpu(device_module) else "vLLM is installed, but torch sees no GPU here, and its graphs need one."


def bench_vllm(
    question: Question, device_module: ModuleType, arguments: Sequence[str], progress: bool = True
) -> dict[str, Any]:
    """Return the whole result of `bench vllm`, ready for JSON.

    Raises:
        RuntimeError: vLLM failed; the message is the end of what it printed.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(published_config(question.config)))
        for mode in progress_bar(MODES, "vLLM, twice", wanted=progress):
            found = _leg(question, mode, Path(folder))
            rows += found["rows"]
    head = provenance("vllm", arguments, device_module) | {"vllm": found["vllm"]}
    return {**head, "model": question.config.name, "rows": rows, "note": NOTE}


def published_config(config: ModelConfig) -> dict[str, Any]:
    """Return a model's shape as Hugging Face's `config.json` has it: Qwen3 where queries and keys are normalised."""
    architecture, model_type = ("Qwen3ForCausalLM", "qwen3") if config.qk_norm else ("LlamaForCausalLM", "llama")
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_model_len,
        "rms_norm_eps": config.rms_eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tie_embeddings,
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "bfloat16",
    }


def _leg(question: Question, mode: str, folder: Path) -> dict[str, Any]:
    """Let a process of its own measure one mode."""
    asked = {
        "model": question.config.name,
        "mode": mode,
        "enforce_eager": MODES[mode],
        "folder": str(folder),
        "batch_sizes": question.batch_sizes,
        "prompt_tokens": question.prompt_tokens,
        "new_tokens": question.new_tokens,
        "repeats": question.repeats,
    }
    result = folder / f"{mode}.json"
    command = [sys.executable, "-m", "mini_lib.bench.vllm_leg", json.dumps(asked), str(result)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
    if done.returncode or not result.exists():
        raise RuntimeError(f"vLLM failed in mode {mode}; the end of what it printed:\n{done.stdout[-2000:]}")
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def vllm_report(result: dict[str, Any]) -> str:
    """Return the result as a table for people: both modes side by side."""
    header = ["batch", "eager us", "graphs us", "eager / graphs"]
    cells = [
        [str(batch), f"{eager:.0f}", f"{graphs:.0f}", f"{eager / graphs:.2f}x"]
        for batch, eager, graphs in _side_by_side(result["rows"])
    ]
    title = f"{result['model']} in vLLM {result['vllm']}, on {result['device']}: microseconds between two tokens"
    return "\n".join([title, table(header, cells), result["note"]])


def _side_by_side(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, float, float]]:
    times = {(row["mode"], row["batch"]): row["median_us"] for row in rows}
    for batch in sorted({row["batch"] for row in rows}):
        eager, graphs = (times[mode, batch] for mode in MODES)
        yield batch, eager, graphs
