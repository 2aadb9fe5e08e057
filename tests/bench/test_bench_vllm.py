"""`bench vllm` against a FAKE vLLM: whether it is asked in the right words, and what is made of its times.

vLLM itself is not installed where these tests run, and nothing here is a measurement of it.
"""

import inspect
import json
import sys
import textwrap
from types import SimpleNamespace

import pytest

from mini_lib.bench import vllm as bench
from mini_lib.bench import vllm_leg
from mini_lib.bench.__main__ import main
from mini_lib.bench.vllm import MODES, Question, bench_vllm, published_config, vllm_report, why_not_here
from mini_lib.config import ModelConfig
from mini_lib.graphs import recorder

STEP_US, REST_US = {True: 900.0, False: 300.0}, 5_000.0  # what the fake takes, eager and with graphs
QUESTION = {"model": "qwen3-0.6b", "mode": "NONE", "enforce_eager": True, "folder": "a folder", "batch_sizes": [1, 4],
            "prompt_tokens": 6, "new_tokens": 10, "repeats": 3}  # fmt: skip


class FakeVLLM:
    """Stands in for the package: notes what it is asked, and lets a made-up clock run."""

    __version__ = "fake"

    def __init__(self, monkeypatch):
        self.now_us, self.built, self.served = 0.0, [], []
        monkeypatch.setattr(vllm_leg.time, "perf_counter", lambda: self.now_us / 1e6)

    # Signatures as vLLM 0.33.0 has them, as far as they are used; another keyword is a TypeError.
    def LLM(self, model, *, load_format, skip_tokenizer_init, enforce_eager, max_model_len, max_num_seqs,
            enable_prefix_caching, seed):  # fmt: skip
        self.built.append(inspect.getargvalues(inspect.currentframe()).locals)
        return SimpleNamespace(generate=lambda *args, **kwargs: self.generate(enforce_eager, *args, **kwargs))

    def SamplingParams(self, *, temperature, max_tokens, ignore_eos, detokenize):
        assert (temperature, ignore_eos, detokenize) == (0.0, True, False)
        return SimpleNamespace(max_tokens=max_tokens)

    def generate(self, eager, prompts, parameters, *, use_tqdm):
        assert use_tqdm is False
        self.served.append((len(prompts), parameters.max_tokens))
        assert all(set(prompt) == {"prompt_token_ids"} for prompt in prompts)
        self.now_us += REST_US + STEP_US[eager] * parameters.max_tokens


@pytest.fixture
def fake(monkeypatch):
    return FakeVLLM(monkeypatch)


@pytest.mark.parametrize("eager", [True, False])
def test_the_time_between_tokens_leaves_out_whatever_happens_once_per_request(fake, eager):
    found = vllm_leg.leg(QUESTION | {"enforce_eager": eager}, fake)
    assert found["vllm"] == "fake"
    assert [row["median_us"] for row in found["rows"]] == pytest.approx([STEP_US[eager]] * 2)
    assert [(row["batch"], row["style"], row["iterations"]) for row in found["rows"]] == [
        (1, "vllm", 3),
        (4, "vllm", 3),
    ]


def test_vllm_is_asked_for_random_weights_without_a_tokenizer_and_served_as_long_as_needed(fake):
    vllm_leg.leg(QUESTION, fake)
    (built,) = fake.built
    assert (built["load_format"], built["skip_tokenizer_init"], built["enable_prefix_caching"]) == (
        "dummy",
        True,
        False,
    )
    assert built["max_model_len"] == 6 + 8 + 10 and built["max_num_seqs"] == 4
    assert fake.served[:3] == [(1, 18), (1, 18), (1, 8)]  # a run to warm up, then long and short in turns


def test_the_rows_have_the_keys_of_recorded_steps(fake):
    (row, _) = vllm_leg.leg(QUESTION, fake)["rows"]
    assert {"model", "style", "mode", "batch", "context", "median_us", "p10_us", "p90_us", "repeat_us"} <= set(row)


@pytest.mark.parametrize(
    ("config", "architecture"),
    [(ModelConfig.qwen3_0_6b(), "Qwen3ForCausalLM"), (ModelConfig.llama_3_8b(), "LlamaForCausalLM")],
)
def test_a_shape_is_written_in_the_words_of_hugging_face(config, architecture):
    written = published_config(config)
    assert written["architectures"] == [architecture]
    assert written["num_hidden_layers"] == config.num_layers and written["head_dim"] == config.head_dim
    assert written["tie_word_embeddings"] == config.tie_embeddings
    assert json.loads(json.dumps(written)) == written


def test_each_mode_is_a_process_of_its_own_and_both_are_shown_side_by_side(monkeypatch, tmp_path):
    fake_package = tmp_path / "vllm.py"  # a FAKE package, which the two processes import
    fake_package.write_text(
        textwrap.dedent("""
            import json, os, sys, time
            __version__ = f"fake {os.getpid()}"
            class SamplingParams:
                def __init__(self, temperature, max_tokens, ignore_eos, detokenize): self.max_tokens = max_tokens
            class LLM:
                def __init__(self, model, enforce_eager, **rest):
                    assert os.path.exists(model + "/config.json")
                    assert enforce_eager == (json.loads(sys.argv[1])["mode"] == "NONE")
                    self.step_s = 0.002 if enforce_eager else 0.001
                    print("noise that vLLM prints")
                def generate(self, prompts, parameters, use_tqdm): time.sleep(self.step_s * parameters.max_tokens)
        """)
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:.")
    question = Question(ModelConfig.qwen3_0_6b(), (1, 2), prompt_tokens=4, new_tokens=4, repeats=1)
    result = bench_vllm(question, recorder, ["vllm"], progress=False)
    assert [(row["mode"], row["batch"]) for row in result["rows"]] == [(mode, n) for mode in MODES for n in (1, 2)]
    assert result["vllm"].startswith("fake ") and result["model"] == "qwen3-0.6b"
    report = vllm_report(result)
    assert "eager / graphs" in report and report.isascii()


def test_what_vllm_printed_last_is_shown_when_it_fails(monkeypatch, tmp_path):
    (tmp_path / "vllm.py").write_text("raise SystemExit('no kernel image for this fake device')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:.")
    with pytest.raises(RuntimeError, match=r"(?s)failed in mode NONE.*no kernel image for this fake device"):
        bench_vllm(Question(ModelConfig.gpt2(), (1,)), recorder, ["vllm"], progress=False)


def test_where_vllm_or_a_gpu_is_missing_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    assert why_not_here(recorder).startswith("vLLM is not installed here")
    with pytest.raises(SystemExit, match="vLLM is not installed here"):
        main(["vllm"])
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: sys)
    assert "torch sees no GPU here" in why_not_here(recorder)
