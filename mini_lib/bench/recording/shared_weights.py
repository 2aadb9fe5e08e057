"""Models of one shape in several styles that share one set of weights, drawn on the device.

`build_model` draws on the CPU, so that a seed means the same numbers everywhere; eight billion of them take a CPU a
minute. A recording needs no particular numbers, so here the device draws. The lean decoder's merged matrices hold the
naive one's as rows, and the fused one's as they are: three styles take the memory of one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from mini_lib.config import ModelConfig
from mini_lib.model import build_model
from mini_lib.model.lean import LeanDecoder
from mini_lib.model.weights import Weights

STYLES = ("naive", "lean", "fused")


class DeviceWeights(Weights):
    """Draws on the model's own device. Other numbers than `Weights` draws, of the same sizes."""

    def _moved(self, name: str, shape: tuple[int, ...], scale: Callable[[Tensor], Tensor]) -> Tensor:
        seed = zlib.crc32(f"{self.seed} {name}".encode())
        generator = torch.Generator(self.device).manual_seed(seed)
        drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device=self.device)
        return scale(drawn).to(self.dtype)


def models_of(
    config: ModelConfig, styles: Iterable[str], device: torch.device, dtype: torch.dtype
) -> dict[str, nn.Module]:
    """Return a model per style, all of the same weights. "inductor" is the lean one, which a compiler gets.

    Raises:
        ValueError: a style that does not exist.
    """
    lean = LeanDecoder(config, DeviceWeights(0, device, dtype))
    return {style: _in_style(style, lean, dtype) for style in styles}


def _in_style(style: str, lean: LeanDecoder, dtype: torch.dtype) -> nn.Module:
    if style in ("lean", "inductor"):
        return lean
    model = build_model(lean.config, style=style, device="meta", dtype=dtype)
    assert isinstance(model, nn.Module)
    values = dict(_split(lean)) if style == "naive" else dict(lean.named_parameters(remove_duplicate=False))
    model.load_state_dict({name: value.detach() for name, value in values.items()}, assign=True)
    model.cos_sin = lean.cos_sin  # a table and no weight: no state_dict holds it
    return model


def _split(lean: LeanDecoder) -> Iterator[tuple[str, Tensor]]:
    """Yield the lean decoder's parameters, the merged ones cut into the naive one's: rows, so nothing is copied."""
    config = lean.config
    widths = {
        "qkv": (("q", config.q_size), ("k", config.kv_size), ("v", config.kv_size)),
        "gate_up": (("gate", config.intermediate_size), ("up", config.intermediate_size)),
    }
    for name, value in lean.named_parameters(remove_duplicate=False):
        prefix, _, last = name.rpartition(".")
        if last not in widths:
            yield name, value
            continue
        names, sizes = zip(*widths[last], strict=True)
        for part, rows in zip(names, value.split(sizes), strict=True):
            yield f"{prefix}.{part}", rows
