"""The shapes of the models, as plain frozen values: enough to build one, to count its weights, or to simulate it.

Sizes are those of the published models; weights are random, so no model here writes sense. `max_model_len` is how far
*we* serve, not how far a model was trained: a captured full graph always looks that far, whatever the batch needs.

Not modelled: biases, learned positions, sliding windows, experts, RoPE scaling (Llama 3.2 stretches its angles).

>>> ModelConfig.llama_3_8b().num_parameters
8030261248
>>> ModelConfig.tiny().with_max_model_len(64).max_model_len
64
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

Family = Literal["llama", "exact"]


@dataclass(frozen=True)
class ModelConfig:
    """The shape of one model.

    `family` is "llama" (a decoder in floating point) or "exact" (a hash in integers: see `mini_lib.model.exact`).
    `num_kv_heads` divides `num_heads`: that many query heads share a key and value head. `qk_norm` normalises queries
    and keys per head before RoPE, as Qwen3 does.

    Raises:
        ValueError: a size below 1, heads that do not share evenly, an odd `head_dim` (RoPE turns pairs), or a family
            that does not exist.
    """

    name: str
    vocab_size: int
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    max_model_len: int
    rms_eps: float = 1e-5
    rope_theta: float = 10_000.0
    tie_embeddings: bool = True
    family: Family = "llama"
    qk_norm: bool = False

    def __post_init__(self) -> None:
        _require_at_least_one(self)
        if self.family not in ("llama", "exact"):
            raise ValueError(f"{self.name}: there is no family {self.family!r}, only 'llama' and 'exact'.")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"{self.name}: {self.num_heads} query heads cannot share {self.num_kv_heads} KV heads evenly. "
                "Choose num_kv_heads from the divisors of num_heads."
            )
        if self.head_dim % 2:
            raise ValueError(f"{self.name}: head_dim is {self.head_dim}, and RoPE turns pairs: make it even.")
        if self.rms_eps <= 0 or self.rope_theta <= 0:
            raise ValueError(f"{self.name}: rms_eps {self.rms_eps} and rope_theta {self.rope_theta} must be above 0.")

    @property
    def q_size(self) -> int:
        """Width of all queries of one token."""
        return self.num_heads * self.head_dim

    @property
    def kv_size(self) -> int:
        """Width of all keys (or all values) of one token in one layer."""
        return self.num_kv_heads * self.head_dim

    @property
    def num_parameters(self) -> int:
        """How many weights the model has; a head that is tied to the embedding counts once, as it is stored once."""
        return _exact_parameters(self) if self.family == "exact" else _llama_parameters(self)

    def with_max_model_len(self, max_model_len: int) -> ModelConfig:
        """Return the same model, served to `max_model_len` tokens."""
        return replace(self, max_model_len=max_model_len)

    @classmethod
    def tiny(cls) -> ModelConfig:
        """Return a decoder small enough for tests: two layers, grouped heads, 106,816 weights."""
        return cls("tiny", 512, 64, 2, 4, 2, 16, 128, 256, tie_embeddings=True)

    @classmethod
    def gpt2(cls) -> ModelConfig:
        """Return GPT-2 124M's shape in a Llama skeleton: 123,551,232 weights, where GPT-2 itself has 124,439,808.

        No biases and no learned positions. Its MLP of 3072 becomes a gated one of 2048, which has as many weights.
        """
        return cls("gpt2", 50257, 768, 12, 12, 12, 64, 2048, 1024)

    @classmethod
    def qwen3_0_6b(cls) -> ModelConfig:
        """Return Qwen3-0.6B's shape. Its heads are wider together (2048) than its hidden state (1024)."""
        return cls("qwen3-0.6b", 151936, 1024, 28, 16, 8, 128, 3072, 2048, 1e-6, 1_000_000.0, qk_norm=True)

    @classmethod
    def llama_3_2_1b(cls) -> ModelConfig:
        """Return Llama-3.2-1B's shape."""
        return cls("llama-3.2-1b", 128256, 2048, 16, 32, 8, 64, 8192, 2048, rope_theta=500_000.0)

    @classmethod
    def llama_3_8b(cls) -> ModelConfig:
        """Return Llama-3-8B's shape."""
        return cls("llama-3-8b", 128256, 4096, 32, 32, 8, 128, 14336, 2048, rope_theta=500_000.0, tie_embeddings=False)

    @classmethod
    def exact(cls, vocab_size: int = 97, num_layers: int = 2, max_model_len: int = 256) -> ModelConfig:
        """Return the exact-integer model: its next token is a hash of every KV entry of its request."""
        return cls("exact", vocab_size, 2, num_layers, 1, 1, 2, 1, max_model_len, tie_embeddings=False, family="exact")


def _require_at_least_one(config: ModelConfig) -> None:
    sizes = ("vocab_size", "hidden_size", "num_layers", "num_heads", "num_kv_heads", "head_dim")
    for name in (*sizes, "intermediate_size", "max_model_len"):
        if getattr(config, name) < 1:
            raise ValueError(f"{config.name}: {name} is {getattr(config, name)}, and it must be at least 1.")


def _llama_parameters(config: ModelConfig) -> int:
    """Count embedding and head, the final norm, and per layer: attention, gated MLP, two norms."""
    attention = config.hidden_size * (2 * config.q_size + 2 * config.kv_size)
    mlp = 3 * config.hidden_size * config.intermediate_size
    norms = 2 * config.hidden_size + (2 * config.head_dim if config.qk_norm else 0)
    embeddings = (1 if config.tie_embeddings else 2) * config.vocab_size * config.hidden_size
    return embeddings + config.num_layers * (attention + mlp + norms) + config.hidden_size


def _exact_parameters(config: ModelConfig) -> int:
    """Count the embedding, per layer a multiplier and an addend for each of q, k and v, and the head."""
    return config.vocab_size * config.hidden_size + config.num_layers * 6 * config.hidden_size + config.hidden_size


PRESETS: Mapping[str, ModelConfig] = MappingProxyType(
    {
        config.name: config
        for config in (
            ModelConfig.tiny(),
            ModelConfig.gpt2(),
            ModelConfig.qwen3_0_6b(),
            ModelConfig.llama_3_2_1b(),
            ModelConfig.llama_3_8b(),
        )
    }
)
"""The decoders by name, the smallest first."""
