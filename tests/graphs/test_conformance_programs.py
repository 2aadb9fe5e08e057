"""Whole programs in a graph: decoding with a KV cache, sampling that feeds itself, training, random numbers.

Each is run eagerly and by replays from the same state, and must agree bit for bit at every step.
"""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.graphs.conftest import World

VOCAB, WIDTH, HEADS, MAX_LENGTH = 23, 16, 2, 12


class Decoder(nn.Module):
    """A one-layer decoder that keeps its KV cache in buffers and takes one token per row and step."""

    def __init__(self, num_rows: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.place = nn.Embedding(MAX_LENGTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, VOCAB, bias=False)
        shape = (num_rows, MAX_LENGTH, HEADS, WIDTH // HEADS)
        self.register_buffer("keys", torch.zeros(shape))
        self.register_buffer("values", torch.zeros(shape))
        self.register_buffer("rows", torch.arange(num_rows))
        self.register_buffer("places", torch.arange(MAX_LENGTH))

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return logits [rows, VOCAB] for ids [rows] at positions [rows], after writing their keys and values."""
        hidden = self.embed(ids) + self.place(positions)
        q, k, v = (part.unflatten(-1, (HEADS, -1)) for part in self.qkv(self.norm(hidden)).chunk(3, dim=-1))
        self.keys[self.rows, positions] = k
        self.values[self.rows, positions] = v
        scores = torch.einsum("rhd,rthd->rht", q, self.keys) / (WIDTH // HEADS) ** 0.5
        scores = scores.masked_fill((self.places > positions[:, None])[:, None], float("-inf"))
        mixed = torch.einsum("rht,rthd->rhd", scores.softmax(dim=-1), self.values)
        return self.head(F.gelu(hidden + self.out(mixed.flatten(1))))


def decoder_pair(world: World, num_rows: int) -> tuple[Decoder, Decoder]:
    torch.manual_seed(11)
    model = Decoder(num_rows).to(world.device).requires_grad_(False)
    return model, copy.deepcopy(model)


def test_decoding_with_a_kv_cache_gives_eager_s_logits_and_cache(world: World):
    graphed, eager = decoder_pair(world, num_rows=3)
    ids, positions = world.tensor([5, 0, 22]), world.tensor([0, 0, 0])
    world.warm_up(lambda: copy.deepcopy(graphed)(ids, positions))
    graph, logits = world.capture(lambda: graphed(ids, positions))
    for step in range(6):
        fresh_ids = world.tensor([(7 * step + 3) % VOCAB, step, (22 - 5 * step) % VOCAB])
        fresh_positions = world.tensor([step, step + 2, step + 5])
        ids.copy_(fresh_ids)
        positions.copy_(fresh_positions)
        graph.replay()
        assert torch.equal(logits, eager(fresh_ids, fresh_positions))
        assert torch.equal(graphed.keys, eager.keys)
        assert torch.equal(graphed.values, eager.values)


def test_capture_writes_nothing_into_the_cache(world: World):
    model, untouched = decoder_pair(world, num_rows=2)
    ids, positions = world.tensor([5, 9]), world.tensor([3, 4])
    world.capture(lambda: model(ids, positions))
    assert torch.equal(model.keys, untouched.keys)


def test_a_sampling_step_that_feeds_itself_gives_eager_s_tokens(world: World):
    graphed, eager = decoder_pair(world, num_rows=3)

    def step(model: Decoder, ids: Tensor, positions: Tensor) -> None:
        probabilities = model(ids, positions).softmax(dim=-1)
        noise = torch.empty_like(probabilities).exponential_()
        ids.copy_((probabilities / noise).argmax(dim=-1))
        positions.add_(1)

    static = [world.tensor([5, 0, 22]), world.tensor([0, 0, 0])]
    mirror = [tensor.clone() for tensor in static]
    world.warm_up(lambda: step(copy.deepcopy(graphed), static[0].clone(), static[1].clone()))
    graph, _ = world.capture(lambda: step(graphed, *static))
    assert static[1].tolist() == [0, 0, 0]

    torch.manual_seed(3)
    by_replay = []
    for _ in range(MAX_LENGTH - 1):
        graph.replay()
        by_replay.append(static[0].tolist())
    torch.manual_seed(3)
    by_eager = []
    for _ in range(MAX_LENGTH - 1):
        step(eager, *mirror)
        by_eager.append(mirror[0].tolist())
    assert by_replay == by_eager
    assert len({tuple(tokens) for tokens in by_replay}) > MAX_LENGTH // 2


def training_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, target: Tensor) -> Tensor:
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(x), target)
    loss.backward()
    optimizer.step()
    return loss


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_training_by_replay_gives_eager_s_losses_and_weights(world: World, momentum: float):
    torch.manual_seed(5)
    graphed = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4)).to(world.device)
    eager = copy.deepcopy(graphed)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.05, momentum=momentum) for m in (graphed, eager)]
    batches = [(torch.randn(5, 6).to(world.device), world.tensor([s % 4, 0, 1, 2, 3])) for s in range(4)]
    x, target = (tensor.clone() for tensor in batches[0])

    world.warm_up(lambda: training_step(graphed, optimizers[0], x, target))
    training_step(eager, optimizers[1], x, target)
    optimizers[0].zero_grad(set_to_none=True)
    graph, loss = world.capture(lambda: training_step(graphed, optimizers[0], x, target))
    for fresh_x, fresh_target in batches:
        x.copy_(fresh_x)
        target.copy_(fresh_target)
        graph.replay()
        assert torch.equal(loss, training_step(eager, optimizers[1], fresh_x, fresh_target))
    assert all(torch.equal(a, b) for a, b in zip(graphed.parameters(), eager.parameters(), strict=True))
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(graphed.parameters(), eager.parameters(), strict=True))


RANDOM = {
    "dropout": lambda x: F.dropout(x, 0.5),
    "rand": lambda x: torch.rand(4, 6, device=x.device) + x,
    "randn_like": lambda x: torch.randn_like(x),
    "normal_": lambda x: torch.empty_like(x).normal_(2.0, 3.0),
    "bernoulli": lambda x: torch.bernoulli(x.sigmoid()),
    "randint": lambda x: torch.randint(0, 1000, (8,), device=x.device),
    "exponential_": lambda x: x.clone().exponential_(),
}


@pytest.mark.parametrize("name", RANDOM)
def test_each_replay_draws_new_numbers_and_a_seed_brings_them_back(world: World, name: str):
    x = torch.linspace(-2, 2, 24, device=world.device).view(4, 6)
    draw = RANDOM[name]
    world.warm_up(lambda: draw(x))
    graph, out = world.capture(lambda: draw(x))

    torch.manual_seed(19)
    graph.replay()
    first = out.clone()
    graph.replay()
    second = out.clone()
    torch.manual_seed(19)
    assert torch.equal(first, draw(x))
    assert torch.equal(second, draw(x))
    assert not torch.equal(first, second)


def test_capture_does_not_move_the_generator(world: World):
    x = torch.linspace(-2, 2, 24, device=world.device)
    torch.manual_seed(23)
    expected = torch.rand(3, device=world.device)
    torch.manual_seed(23)
    world.capture(lambda: F.dropout(x, 0.5))
    assert torch.equal(torch.rand(3, device=world.device), expected)
