"""One decode step of an exact-integer model with a KV cache, for proving that a runner changes nothing.

The next token is a hash of every KV entry that a row reads, so any wrong slot, table, length or order changes a token;
whole numbers make "the same" mean the same on every device and at every batch size. Slot 0 is the null slot: padded
rows write there, and no live row reads it.
"""

import torch

from mini_lib.graphs import BufferSpec, GraphRunner, InputBuffers, device_of

NUM_SLOTS = 64
WIDTH = 4  # slots that a row may read
VOCABULARY = 9973
LADDER = [1, 2, 4, 8]
EVERY_SIZE = range(1, 10)  # 9 is above the largest
SPECS = {
    "tokens": BufferSpec(torch.int64),
    "slots": BufferSpec(torch.int64, pad=0),
    "tables": BufferSpec(torch.int64, (WIDTH,), pad=0),
    "lengths": BufferSpec(torch.int64, pad=1),
}


class Decoder:
    """Writes each row's token into its slot, then hashes the slots that its table names."""

    def __init__(self, device, is_capturing=lambda: False):
        self.cache = torch.arange(1, NUM_SLOTS + 1, device=device) * 1009
        self.powers = torch.tensor([31, 37, 41, 43], device=device)
        self.places = torch.arange(WIDTH, device=device)
        self.calls = []  # (rows, whether a graph was being recorded), of Python calls: a replay makes none
        self._is_capturing = is_capturing

    def __call__(self, tokens, slots, tables, lengths):
        self.calls.append((tokens.shape[0], self._is_capturing()))
        self.cache.index_copy_(0, slots, tokens * 7 + lengths)
        read = self.cache[tables] * self.powers
        live = self.places < lengths.unsqueeze(1)
        return (torch.where(live, read, 0).sum(-1) + tokens) % VOCABULARY


def batch(num_rows, generator):
    """A batch in which every row owns WIDTH slots of its own, in random places, and reads 1 to WIDTH of them."""
    owned = torch.randperm(NUM_SLOTS - 1, generator=generator)[: num_rows * WIDTH].view(num_rows, WIDTH) + 1
    lengths = torch.randint(1, WIDTH + 1, (num_rows,), generator=generator)
    return {
        "tokens": torch.randint(0, VOCABULARY, (num_rows,), generator=generator),
        "slots": owned.gather(1, lengths.unsqueeze(1) - 1).squeeze(1),
        "tables": owned,
        "lengths": lengths,
    }


def on(device, values):
    return {name: value.to(device) for name, value in values.items()}


def make_buffers(device, max_rows=9, buffers_class=InputBuffers, **pads):
    """Static inputs for the decoder; `pads` replaces the padding of single inputs."""
    specs = {name: BufferSpec(spec.dtype, spec.shape, pads.get(name, spec.pad)) for name, spec in SPECS.items()}
    return buffers_class(max_rows, specs, device)


class SideBySide:
    """A runner beside a decoder that runs eagerly and unpadded, each with its own KV cache."""

    def __init__(self, device_module, ladder=LADDER, buffers=None, **options):
        self.device = device_of(device_module)
        self.decoder = Decoder(self.device, device_module.is_current_stream_capturing)
        self.reference = Decoder(self.device)
        self.buffers = buffers or make_buffers(self.device)
        self.runner = GraphRunner(self.decoder, self.buffers, ladder, device_module=device_module, **options)
        self.generator = torch.Generator().manual_seed(1)

    def captured(self):
        self.runner.capture()
        return self

    def step(self, num_rows):
        """Run one new batch both ways; return whether tokens and all live KV slots are the same."""
        return self.run(batch(num_rows, self.generator))

    def run(self, values):
        values = on(self.device, values)
        wanted, got = self.reference(**values), self.runner(**values)
        return torch.equal(got, wanted) and torch.equal(self.decoder.cache[1:], self.reference.cache[1:])
