"""Models that know nothing of graphs: a decoder in three styles, and an exact-integer one that cannot round."""

from mini_lib.model.attention import SPLITTING_OPS, AttentionMetadata, attention, hash_attention, rope_attention
from mini_lib.model.building import Model, build_model, default_dtype
from mini_lib.model.eager import eager_decode
from mini_lib.model.kv_cache import NULL_BLOCK, kv_write, new_kv_caches, rope_and_kv_write
from mini_lib.model.ops import fused_add_rms_norm, rms_norm, sample, silu_and_mul
from mini_lib.model.paged_attention import paged_attention

__all__ = [
    "AttentionMetadata",
    "Model",
    "NULL_BLOCK",
    "SPLITTING_OPS",
    "attention",
    "build_model",
    "default_dtype",
    "eager_decode",
    "fused_add_rms_norm",
    "hash_attention",
    "kv_write",
    "new_kv_caches",
    "paged_attention",
    "rms_norm",
    "rope_and_kv_write",
    "rope_attention",
    "sample",
    "silu_and_mul",
]
