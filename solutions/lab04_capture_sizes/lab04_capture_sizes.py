# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 4: Capture-size ladder
#
# difficulty ●●●○○ · importance ●●●●● · about 55 minutes · 20 points · CPU
#
# A CUDA graph replays exactly as many rows as it was recorded with. A batch of 33 therefore rides in the graph for 40,
# and seven rows are computed for nobody. Which sizes should an engine record, how does a batch find its size, what
# does the rounding cost, and how are the rows that are nobody's kept from doing harm?
#
# You write six functions. Each takes plain numbers, lists and dicts and gives such a value back.
#
# | task | you write | difficulty | importance | minutes | points |
# |---|---|---|---|---|---|
# | 4.1 | the sizes that vLLM captures by default | ●●○○○ | ●●●●○ | 10 | 4 |
# | 4.2 | the size that a batch rides in | ●○○○○ | ●●●●● | 4 | 2 |
# | 4.3 | the share of rows that is padding | ●●○○○ | ●●●●○ | 6 | 3 |
# | 4.4 | a padded batch that harms nobody | ●●●○○ | ●●●●● | 10 | 4 |
# | 4.5 | the best ladder under a budget | ●●●●● | ●●●●○ | 20 | 5 |
# | 4.6 | fifty-one sizes, or eight? | ●●●○○ | ●●●●○ | 8 | 2 |
#
# After each task stands its check. It says *not attempted*, *wrong* and why, or *right*, and it is yours to run as
# often as you like. The grader asks the same questions of other numbers, so an answer that knows only the visible
# cases earns little. Under each task a line starts with `# learn.hint(...)`: take the `#` away and run it, up to three
# times.

# %% grade_id="setup" locked=true
from mini_lib import learn
from mini_lib.labs import lab04
from mini_lib.learn import check, predict, reveal

learn.start_lab("lab04")

# %% [markdown]
# ## Which sizes?
#
# **A ladder to read first.** nano-vLLM (bb823b3) builds its ladder in one line. Before you run the cell, predict: the
# largest batch is 100. Where does the ladder end, and what happens to a batch of 98?

# %%
predict("lab04: nano-vLLM's last size for 100", ..., unit="rows")  # put your guess in place of the dots


# %%
def nano_vllm_sizes(max_num_seqs):
    return [1, 2, 4, 8, *range(16, max_num_seqs + 1, 16)]


print("100:", nano_vllm_sizes(100))
print("  4:", nano_vllm_sizes(4))
reveal("lab04: nano-vLLM's last size for 100", simulated=nano_vllm_sizes(100)[-1], unit="rows")

# %% [markdown]
# Two flaws in one line. The ladder for 100 ends at 96: batches of 97 to 100, the most expensive steps that this server
# has, find no graph and run eagerly. And the ladder for 4 captures 8, a batch that never comes. Production has been
# bitten by both; the rule below is what vLLM 0.33 does about them. It has five parts.
#
# **The grid.** 1, 2, 4; then every 8th size below 256; from 256 on every 16th. Small steps where batches are small,
# because there a padded row is a large share. The cell below has it ready: `grid(20)` is `[1, 2, 4, 8, 16]`.
#
# **How far the ladder reaches.** To twice `max_num_seqs`, but never above 512, and never above
# `max_num_batched_tokens`: no step has more tokens than that. Sizes count *tokens*, not requests. A decode brings one
# token for each request, a piece of a prefill brings many, and so a step may be wider than `max_num_seqs`.
#
# **Two sizes may stand off the grid.** `max_num_seqs` itself is the widest batch of pure decode, and
# `max_num_batched_tokens` is the fullest step there is. Each of them is a size too, if it is not above the end of the
# ladder. With `max_num_seqs=12` the ladder is 1, 2, 4, 8, **12**, 16, 24.
#
# **An explicit maximum.** A user may set `max_capture_size`. It takes the place of "twice `max_num_seqs`, at most
# 512", the token limit still holds, and `max_num_seqs` is then *not* added. The ladder ends at the last grid size up
# to it, in silence: who asks for 42 gets 40. A user with six requests of seven tokens each (speculative decoding)
# reported 25.3 tokens/s eagerly where a graph for 42 gave 133.3 (vllm#54933; still so in vLLM 0.33.0).
#
# **In order, each once.** The sizes ascend, and none stands twice.


# %%
def grid(largest):
    """The sizes on vLLM's grid, up to `largest`."""
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, max(256, largest) + 1, 16)]
    return [size for size in sizes if size <= largest]


grid(20)

# %% [markdown]
# ### 4.1 Default sizes of production
# difficulty ●●○○○ · importance ●●●●○ · 10 minutes · 4 points · CPU · *complete it: the grid is given*
#
# `default_sizes(12)` is `[1, 2, 4, 8, 12, 16, 24]`, and `default_sizes(16, 20)` is `[1, 2, 4, 8, 16, 20]`.


# %% grade_id="default_sizes"
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    """Return the sizes that vLLM 0.33 captures, an ascending list of whole numbers."""
    ### BEGIN SOLUTION
    if max_capture_size is None:
        end, off_the_grid = min(2 * max_num_seqs, 512), {max_num_seqs, max_num_batched_tokens}
    else:
        end, off_the_grid = max_capture_size, {max_num_batched_tokens}
    end = min(end, max_num_batched_tokens)
    return sorted({*grid(end), *(size for size in off_the_grid if size <= end)})
    ### END SOLUTION


# %%
# learn.hint(lab04.DEFAULT_SIZES)

# %% grade_id="test_default_sizes" points=4
check(lab04.DEFAULT_SIZES, default_sizes)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_production_rows, oracle_spelled_out, oracle_arguments from reference.py
#| include oracle_default_sizes, oracle_configurations from reference.py
oracle_cases = [Case(oracle_arguments(args), oracle_spelled_out(runs)) for args, runs in oracle_production_rows()]
oracle_cases += [Case(args, oracle_default_sizes(*args)) for args in oracle_configurations(Random(SEED), 40)]
require(judge(lab04.DEFAULT_SIZES, default_sizes, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## The size that a batch rides in
#
# **Padding goes up.** A graph for 8 rows has room for 5 and none for 9. So a batch rides in the smallest graph that is
# at least as wide as itself, and a batch of exactly 8 rides in the graph for 8, without padding.
#
# **Above the largest size** there is no graph, and that is no error: the batch runs eagerly, as wide as it is. The
# lookup says so with `None`. An engine with `enforce_eager=True` has no sizes at all, and says `None` to every batch.
#
# ### 4.2 Size lookup
# difficulty ●○○○○ · importance ●●●●● · 4 minutes · 2 points · CPU · *one to three lines*
#
# `sizes` is ascending and may be empty, `num_tokens` is at least 1. `size_for(5, [1, 2, 4, 8])` is 8, and `size_for(9,
# [1, 2, 4, 8])` is None.


# %% grade_id="size_for"
def size_for(num_tokens, sizes):
    """Return the smallest size that holds `num_tokens`, or None: run eagerly."""
    ### BEGIN SOLUTION
    return next((size for size in sizes if size >= num_tokens), None)
    ### END SOLUTION


# %%
# learn.hint(lab04.SIZE_FOR)

# %% grade_id="test_size_for" points=2
check(lab04.SIZE_FOR, size_for)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_size_for, oracle_ladder from reference.py
oracle_rng = Random(SEED + 2)
oracle_ladders = [oracle_ladder(oracle_rng) for _ in range(8)] + [[], [1], [512]]
oracle_cases = [
    Case((num_tokens, sizes), oracle_size_for(num_tokens, sizes))
    for sizes in oracle_ladders
    for num_tokens in {max(size + by, 1) for size in [1, *sizes] for by in (-1, 0, 1)}
]
require(judge(lab04.SIZE_FOR, size_for, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## What the rounding costs
#
# **A histogram is a weight.** `{33: 120, 5: 40}` says: 120 decode steps had a batch of 33, and 40 steps a batch of 5.
# Each of those steps pays for its own padding.
#
# **What the share is a share of.** Padding waste is *padded rows divided by computed rows*, both added up over all
# steps. A batch of 3 in a graph for 4 computes four rows, one of them padding: 25 %. Where nothing was computed
# nothing was wasted: 0.
#
# **Eager rows count.** A batch above the largest size runs eagerly and unpadded: it wastes nothing, but its rows are
# computed, and belong to the total.
#
# The day below is synthetic: three humps for night, office hours and rush hour of a server with `max_num_seqs=256`,
# for which vLLM captures 51 sizes. Predict: which share of all computed rows of this day is padding?

# %%
predict("lab04: padding with 51 sizes", ..., unit="%")
num_steps = sum(lab04.TRAFFIC.values())
print(f"{num_steps} steps, batches of 1 to {max(lab04.TRAFFIC)}, {len(lab04.VLLM_SIZES)} sizes")

# %% [markdown]
# ### 4.3 Padding waste
# difficulty ●●○○○ · importance ●●●●○ · 6 minutes · 3 points · CPU · *write it; `size_for` may help*
#
# `padding_waste([4, 8], {3: 10})` is 0.25: forty rows computed, ten of them padding. If you call `size_for`, its stub
# counts as yours: the check then says *not attempted* until 4.2 is written.


# %% grade_id="padding_waste"
def padding_waste(sizes, histogram):
    """Return padded rows / computed rows, a number from 0 to 1, over all steps of `histogram`."""
    ### BEGIN SOLUTION
    computed = padded = 0
    for batch, steps in histogram.items():
        size = size_for(batch, sizes) or batch
        computed += steps * size
        padded += steps * (size - batch)
    return padded / computed if computed else 0.0
    ### END SOLUTION


# %%
# learn.hint(lab04.PADDING_WASTE)

# %% grade_id="test_padding_waste" points=3
check(lab04.PADDING_WASTE, padding_waste)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_size_for, oracle_ladder, oracle_waste, oracle_histogram from reference.py
oracle_rng = Random(SEED + 3)
oracle_cases = [
    Case((sizes, histogram), oracle_waste(sizes, histogram))
    for sizes, histogram in [(oracle_ladder(oracle_rng, 50), oracle_histogram(oracle_rng, 6, 60)) for _ in range(12)]
]
require(judge(lab04.PADDING_WASTE, padding_waste, oracle_cases))
### END HIDDEN TESTS

# %%
share = lab04.attempt(padding_waste, lab04.VLLM_SIZES, lab04.TRAFFIC)
percent = round(100 * share, 1) if isinstance(share, float) else None
reveal("lab04: padding with 51 sizes", simulated=percent, unit="%")

# %% [markdown]
# ## Rows that are nobody's
#
# The graph for 8 rows computes 8 rows, whatever you want of it. With a batch of 5, rows 5 to 7 run as well: they look
# up a token, *write* an entry into the KV cache, *read* a context, and give an output that nobody looks at. All five
# lists of the batch have to say something for them, and what they say decides whether anybody else is hurt. This has
# gone wrong in vLLM and in SGLang: slot -1 taken for an index (vllm#43810), entries written out of range (vllm#13418),
# stale positions (sglang#24401), stale request rows (sglang#22958).
#
# | list | what the step does with it | live row |
# |---|---|---|
# | `input_ids` | looks the token up | 0 to 49 |
# | `positions` | looks the position up | `seq_len - 1` |
# | `slot_mapping` | writes this token's entry into that slot of the cache | the newest slot of its request |
# | `seq_lens` | reads that many tokens of context, and divides by their number | 2 to 8 |
# | `req_pool_indices` | finds the slots of its context in that row of the table | its request, 1 to 16 |
#
# **Where a padded row writes.** It must write somewhere, so the cache has a *null slot*, number 0, that no request
# ever owns. vLLM writes -1 and its kernels skip such a row; a kernel that does not know the sign writes to
# `cache[-1]`. Here as in SGLang 0.5.23 it is slot 0.
#
# **What a padded row reads.** Row 0 of the table of requests is the *padding row*: all of its entries are the null
# slot, and live requests start at 1. A padded row sees one token (`seq_lens` 1, since none would be a division by
# zero), at position 0. Any token will do; take 0. A padded row that reads garbage would give garbage to nobody, one
# should think. But NaN spreads wherever a later kernel mixes rows, for example with one scale for a whole batch.
#
# **Pad everything, and first.** The static buffers of a graph keep what the last batch left in them. A list that is
# not padded, or is padded after something was computed from it, hands rows of the last batch to this one (vllm#25251).
#
# ### 4.4 Harmless padding
# difficulty ●●●○○ · importance ●●●●● · 10 minutes · 4 points · CPU · *write it*
#
# `pad_batch(batch, size)` gives a *new* dict back with the same five lists, each of length `size`: first the live rows
# as they are, then padded rows. `size` is at least as large as the batch. The check copies your batch into the static
# buffers of a small decode step that was captured on the CPU twin, puts poison into everything that a padded row must
# not touch, replays, and compares live rows and every slot of the cache with eager, bit for bit.

# %%
for name, column in lab04.BATCH.items():
    print(f"{name:<18}{column}")


# %% grade_id="pad_batch"
def pad_batch(batch, size):
    """Return a new dict of five lists, each `size` long; `batch` stays as it is."""
    ### BEGIN SOLUTION
    harmless = {"input_ids": 0, "positions": 0, "slot_mapping": 0, "seq_lens": 1, "req_pool_indices": 0}
    return {name: column + [harmless[name]] * (size - len(column)) for name, column in batch.items()}
    ### END SOLUTION


# %%
# learn.hint(lab04.PAD_BATCH)

# %% grade_id="test_pad_batch" points=4
check(lab04.PAD_BATCH, pad_batch)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_batch, oracle_pad_batch from reference.py
oracle_rng = Random(SEED + 4)
oracle_shapes = [(8, 8), (5, 8), (1, 8), (7, 8), (16, 16), (9, 16)]
oracle_batches = [(oracle_batch(oracle_rng, num_rows), size) for num_rows, size in oracle_shapes]
oracle_cases = [Case((batch, size), oracle_pad_batch(batch, size)) for batch, size in oracle_batches]
require(judge(lab04.PAD_BATCH, pad_batch, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## The best ladder
#
# vLLM's grid knows nothing of your traffic. You have a histogram of it, so you can do better: with as few graphs as
# you can pay for, pad as few rows as possible.
#
# **A legal ladder** ascends, covers the largest batch of the histogram, keeps all three budgets, and has no size that
# no batch rides in: such a graph is captured and never replayed. (Production has done that, too: vllm#36165 stored its
# graphs under keys that no lookup ever asked for, and the reporter lost half the speed.)
#
# **Three budgets, one number.** `budget` says how many graphs there may be at most (`num_graphs`), how much memory
# they may take together (`memory_mib`), and how long capturing may take at start-up (`startup_ms`). `cost` says what
# one graph takes: `mib_per_graph` and `ms_per_graph`.
#
# **The pool is paid first.** All graphs share one pool of memory, and that is as large as the largest graph needs it:
# `cost["mib_per_row"]` for each row of the largest size. What is left of `memory_mib` is for the graphs. If not even
# one graph fits into all three budgets, the answer is the empty ladder: everything runs eagerly.
#
# **Best, not better.** Asked for is a ladder with the *fewest padded rows* over the histogram. Adding the most useful
# size again and again comes close and is not it: what you add second can make the first a poor choice. Trying all
# ladders is right and too slow: with 147 batch sizes and 8 graphs there are `math.comb(146, 7)`, a number of twelve
# digits. Dynamic programming is both right and fast: the last size of the best ladder serves some of the largest
# batches, and the sizes before it are a best ladder for all the others.
#
# As an example: batches `{3: 10, 4: 2, 8: 5}` and two graphs. The larger one has to be 8. For the smaller one there
# are two candidates, 3 and 4: with 3 the two steps of batch 4 are padded by four rows each, 8 rows in all; with 4 the
# ten steps of batch 3 are padded by one row each, 10 in all. So the best ladder is `[3, 8]`.
#
# ### 4.5 The best ladder
# difficulty ●●●●● · importance ●●●●○ · 20 minutes · 5 points · CPU · *write it*
#
# `best_sizes(histogram, budget, cost)`: all numbers are whole, all counts at least 1. Two points are for small
# traffic, where your ladder has to be a best one. Three are for days with up to a hundred different batch sizes: all
# of them for the fewest possible padded rows, none from 10 % above that, and a straight line in between. An illegal
# ladder earns none.


# %% grade_id="best_sizes"
def best_sizes(histogram, budget, cost):
    """Return the legal ladder with the fewest padded rows, an ascending list; [] where no graph fits."""
    ### BEGIN SOLUTION
    batches = sorted(histogram)
    for_graphs_mib = budget["memory_mib"] - cost["mib_per_row"] * batches[-1]
    num_graphs = min(
        budget["num_graphs"],
        for_graphs_mib // cost["mib_per_graph"],
        budget["startup_ms"] // cost["ms_per_graph"],
        len(batches),
    )
    if num_graphs < 1:
        return []

    def with_one_graph_more(best):
        """Return (padded rows, ladder) for the 0, 1, 2, ... smallest batches; `best` is the same with a graph fewer."""
        longer = [best[0]]
        for last, size in enumerate(batches):
            padded, options = 0, []
            for first in range(last, -1, -1):  # the last size serves the batches from `first` to `last`
                padded += histogram[batches[first]] * (size - batches[first])
                options.append((best[first][0] + padded, first))
            rows, first = min(options)
            longer.append((rows, [*best[first][1], size]))
        return longer

    best = [(0, [])] + [(float("inf"), [])] * len(batches)
    for _ in range(num_graphs):
        best = with_one_graph_more(best)
    return best[-1][1]
    ### END SOLUTION


# %%
# learn.hint(lab04.BEST_SIZES)

# %% grade_id="test_best_sizes" points=2
check(lab04.BEST_SIZES, best_sizes)
### BEGIN HIDDEN TESTS
import itertools
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_histogram, oracle_budget, oracle_padded_rows, oracle_best_ladders from reference.py
oracle_rng, oracle_cases = Random(SEED + 5), []
for oracle_graphs in (1, 2, 2, 3, 3, 4, 9):
    oracle_traffic = oracle_histogram(oracle_rng, 7, 40)
    oracle_limits = oracle_budget(oracle_rng, max(oracle_traffic), oracle_graphs)
    oracle_cases.append(Case((oracle_traffic, *oracle_limits), oracle_best_ladders(oracle_traffic, oracle_graphs)))
require(judge(lab04.BEST_SIZES, best_sizes, oracle_cases))
### END HIDDEN TESTS

# %% grade_id="test_best_sizes__gap" points=3
check(lab04.BEST_SIZES_AT_SCALE, best_sizes)
### BEGIN HIDDEN TESTS
import itertools  # noqa: F401, F811 - for the included functions; this may be the first cell that gets here
import math  # noqa: F401 - the same
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_day, oracle_budget, oracle_padded_rows, oracle_least_rows, oracle_credit from reference.py
oracle_rng, oracle_cases = Random(SEED + 6), []
for oracle_humps, oracle_largest, oracle_graphs in ((4, 150, 6), (5, 200, 9), (3, 128, 5)):
    oracle_traffic = oracle_day(oracle_rng, oracle_humps, oracle_largest)
    oracle_limits = oracle_budget(oracle_rng, max(oracle_traffic), oracle_graphs)
    oracle_right = {"num_graphs": oracle_graphs, "largest": max(oracle_traffic)}
    oracle_cases.append(Case((oracle_traffic, *oracle_limits), oracle_right))
oracle_verdict = judge(lab04.BEST_SIZES_AT_SCALE, best_sizes, oracle_cases)
require(oracle_verdict)
oracle_days = [(o.value, o.case.args[0], o.case.expected["num_graphs"]) for o in oracle_verdict.outcomes[-3:]]
oracle_share, oracle_sentence = oracle_credit(oracle_days)
oracle_small = judge(lab04.BEST_SIZES, best_sizes)  # the cell above has judged it; here for its sentence alone
print(oracle_sentence if oracle_small.status == "right" else f"{oracle_small.sentence} {oracle_sentence}")
round(3 * oracle_share, 2)
### END HIDDEN TESTS

# %%
lab04.show_ladders(best_sizes, padding_waste)

# %% [markdown]
# ## And is it worth it?
#
# Eight well-chosen sizes pad about twice as many rows of our day as vLLM's fifty-one, and start up with forty-three
# captures fewer. Which is the better choice? It depends on prices, and you have everything to reckon with them.
#
# **What a ladder costs.** At start-up each graph takes `ms_per_graph`, once. Then each decode step pays
# `us_per_padded_row` for each of its padded rows; over a histogram, take the average per step. The finer ladder `many`
# starts later and steps faster, so after some number of steps it has caught up.
#
# ### 4.6 Fifty-one sizes, or eight?
# difficulty ●●●○○ · importance ●●●●○ · 8 minutes · 2 points · CPU · *a new situation*
#
# `break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row)` gives the smallest whole number of steps
# after which `many` has cost no more than `few`, and None if that never comes. `many` has more sizes than `few`, and
# both cover the largest batch. For example `break_even_steps({3: 1, 6: 1}, [8], [4, 8], 50, 300)`: one graph more
# takes 50 ms, and the two steps pad 7 rows without it and 3 with it. That is 2 rows or 600 µs a step, so it takes 84
# steps.


# %% grade_id="break_even_steps"
def break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row):
    """Return after how many decode steps `many` has cost no more than `few`, or None: never."""

    ### BEGIN SOLUTION
    def padded(sizes):
        return sum(steps * (size_for(batch, sizes) - batch) for batch, steps in histogram.items())

    dearer_us = 1000 * ms_per_graph * (len(many) - len(few))
    saved_us = us_per_padded_row * (padded(few) - padded(many))  # by all steps of the histogram together
    if saved_us <= 0:
        return None
    return -(-dearer_us * sum(histogram.values()) // saved_us)
    ### END SOLUTION


# %%
# learn.hint(lab04.BREAK_EVEN)

# %% grade_id="test_break_even_steps" points=2
check(lab04.BREAK_EVEN, break_even_steps)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_histogram, oracle_padded_rows, oracle_break_even, oracle_prices from reference.py
oracle_rng = Random(SEED + 7)
oracle_drawn = [oracle_prices(oracle_rng) for _ in range(10)]
require(judge(lab04.BREAK_EVEN, break_even_steps, [Case(args, oracle_break_even(*args)) for args in oracle_drawn]))
### END HIDDEN TESTS

# %%
lab04.show_break_evens(break_even_steps)

# %% [markdown]
# The prices of a padded row are upper bounds: for the dense model it is the cost of a *real* row, which brings a
# context to read along and a padded row does not. Read the table with that in mind. A server that runs for days should
# not look at start-up seconds. One that is started for every test, or scaled up when a burst arrives, should; and the
# expensive row of a large mixture of experts pays for a fine ladder within minutes.
#
# **Takeaway.** A ladder is a trade: start-up seconds and memory against padded rows at every step. The lookup rounds
# up, the rows that it adds must write to the null slot and read the padding row, and which sizes are best is a matter
# of your traffic. You have now written all of it.
