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
# # Lab 7: Overlap and FutureMap
#
# difficulty ●●●●○ · importance ●●●●● · about 80 minutes · 28 points · CPU
#
# While the GPU computes a decode step, the CPU has nothing to do; and while the CPU makes the next batch, the GPU has
# nothing to do. The cure is to launch step n before anybody has looked at the tokens of step n - 1. But step n needs
# these tokens as its input. So they have to find their way on the GPU alone, and that is where it becomes interesting.
#
# You write two event loops, two maps for tokens that do not exist yet, and the workload that breaks one of the maps.
# At the end your pieces serve a real engine.
#
# | task | you write | difficulty | importance | minutes | points |
# |---|---|---|---|---|---|
# | 7.1 | the sequential loop | ●○○○○ | ●●●●○ | 5 | 2 |
# | 7.2 | the overlap loop | ●●●○○ | ●●●●● | 15 | 5 |
# | 7.3 | a ring of symbolic tokens | ●●●●○ | ●●●●● | 20 | 6 |
# | 7.4 | the workload that breaks it | ●●●●○ | ●●●●○ | 15 | 5 |
# | 7.5 | a map that cannot be corrupted | ●●○○○ | ●●●●● | 8 | 4 |
# | 7.6 | both in the engine | ●○○○○ | ●●●●● | 5 | 3 |
# | 7.7 | when does it help? | ●●●○○ | ●●●●○ | 10 | 3 |
#
# After each task stands its check. It says *not attempted*, *wrong* and why, or *right*, and it is yours to run as
# often as you like. The grader asks the same questions of other workloads, so an answer that knows only the visible
# cases earns little. Under each task a line starts with `# learn.hint(...)`: take the `#` away and run it, up to three
# times. 7.3 to 7.5 need nothing of 7.1 and 7.2, and 7.7 needs nothing at all.

# %% grade_id="setup" locked=true
import torch

from mini_lib import Engine, learn
from mini_lib.labs import lab07
from mini_lib.learn import check, predict, reveal

learn.start_lab("lab07")

# %% [markdown]
# ## One step after the other
#
# Three decode steps to read first. A step has three parts: the CPU *schedules* a batch (200 µs, "sched"), the GPU
# computes it (600 µs), and the CPU *processes* its tokens (150 µs, "proc"): it appends them, looks for stop tokens,
# tells the users. These numbers are made up; real ones are in notebook 09.

# %%
lab07.show_steps()

# %% [markdown]
# Read the GPU's lane: of 950 µs it works 600. The larger the GPU, the shorter its part, and the worse this becomes. Now
# predict: suppose that step n + 1 is launched *before* step n is processed. How long do ten such steps take?

# %%
predict("lab07: ten overlapped steps", ..., unit="us")  # put your guess in place of the dots
print(f"ten steps one after the other: {10 * sum(lab07.COSTS):.0f} us")

# %% [markdown]
# **Four calls** make a step. The loop knows two objects, and these are all of their methods:
#
# | call | what it does |
# |---|---|
# | `scheduler.has_unfinished()` | is any request waiting or running? |
# | `scheduler.schedule()` | makes the next batch and counts its tokens as computed; may say `None` |
# | `runner.execute_model(batch)` | launches the batch and returns an *output* at once: a promise |
# | `output.wait()` | waits until the step has run; gives its tokens, a list with one per request |
# | `scheduler.update_from_output(batch, tokens)` | processes the tokens of that batch |
# | `scheduler.wait_for_arrival()` | sleeps until the next request arrives |
#
# What a batch is made of is not the loop's business: it hands it on. Here it is a number.
#
# **None means: not now.** `schedule()` says `None` when nothing can run: nobody has arrived, or all that is left to do
# is in flight. It does not mean that all is done: that is what `has_unfinished()` says. With nothing in flight, sleep
# until somebody arrives; asking again and again would burn the CPU.
#
# ### 7.1 The sequential loop
# difficulty ●○○○○ · importance ●●●●○ · 5 minutes · 2 points · CPU · *complete it*
#
# Schedule, launch, wait, process, and so on until nobody is left. Your loop may return nothing, or be a generator that
# yields what `update_from_output` gives.


# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    """Serve all requests, one step after the other."""
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        ### BEGIN SOLUTION
        if batch is None:
            scheduler.wait_for_arrival()
        else:
            output = runner.execute_model(batch)
            scheduler.update_from_output(batch, output.wait())
        ### END SOLUTION


# %%
# learn.hint(lab07.EVENT_LOOP_NORMAL)

# %% grade_id="test_event_loop_normal" points=2
check(lab07.EVENT_LOOP_NORMAL, event_loop_normal)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require
from mini_lib.scheduling.workloads import FAMILIES

#| seed
#| include oracle_loop_cases from reference.py
oracle_cases = [Case(args, FINE) for args in oracle_loop_cases(Random(SEED), FAMILIES)]
require(judge(lab07.EVENT_LOOP_NORMAL, event_loop_normal, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## Launch, and look back
#
# **Launch first, then look back.** The overlap loop launches step n and *then* processes step n - 1, while the GPU
# computes step n. When a batch is made, at most one step is in flight: with more, a stop token would be seen later
# still.
#
# How can `schedule()` make batch n when nobody knows the tokens of step n - 1? It knows *that* there is one for each
# request, and that is nearly all it needs: positions, memory and lengths follow. The token itself it leaves to the
# device. What it cannot know is that a request has just ended with a stop token. Then one token too many is computed,
# and dropped when it is processed. The scheduler sees to all of that; your loop only has the order right.
#
# **A batch and its output** belong together. When you process step n - 1, the batch in your hand is n: keep the older
# one, with its own output.
#
# **The gate.** Waiting too early costs the overlap without making a token wrong, so tokens alone would not show it. The
# check therefore holds step n + 1 back until step n was processed. A loop that waits for step n + 1 before it has
# processed step n waits for itself. On a GPU it would hang; here you are told.
#
# **The last step.** When `schedule()` says `None`, there may still be a step in flight, with the last tokens of
# somebody. Process it before you sleep, and before you leave: `has_unfinished()` may be False while a last step, of
# tokens that nobody wants, is still in flight.
#
# ### 7.2 The overlap loop
# difficulty ●●●○○ · importance ●●●●● · 15 minutes · 5 points · CPU · *write it*
#
# The same calls in another order, and one variable for what is in flight.


# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    """Serve all requests: launch step n, then process step n - 1 while the GPU computes."""
    ### BEGIN SOLUTION
    in_flight = None  # (batch, output) of the step that was launched last
    while in_flight or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch is not None else None
        if in_flight:
            before, output = in_flight
            scheduler.update_from_output(before, output.wait())
        elif launched is None:
            scheduler.wait_for_arrival()
        in_flight = launched
    ### END SOLUTION


# %%
# learn.hint(lab07.EVENT_LOOP_OVERLAP)

# %% grade_id="test_event_loop_overlap" points=5
check(lab07.EVENT_LOOP_OVERLAP, event_loop_overlap)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require
from mini_lib.scheduling.workloads import FAMILIES

#| seed
#| include oracle_loop_cases from reference.py
oracle_cases = [Case(args, FINE) for args in oracle_loop_cases(Random(SEED + 2), FAMILIES)]
require(judge(lab07.EVENT_LOOP_OVERLAP, event_loop_overlap, oracle_cases))
### END HIDDEN TESTS

# %%
reveal("lab07: ten overlapped steps", simulated=lab07.loop_us(event_loop_overlap, overlap=True), unit="us")
lab07.show_loops(event_loop_normal, event_loop_overlap)

# %% [markdown]
# The GPU's lane has no gaps any more: all of the CPU's work hides behind it, but for the first schedule and the last
# process. Task 7.7 asks when that is so.
#
# ## Tokens that are not there yet
#
# Step n is launched with an input that does not exist. SGLang's answer, from 2024 to 2026, was a map on the device with
# three calls, all of them work of the forward stream, in this order in every step:
#
# | call | what it does |
# |---|---|
# | `reserve(req_pool_indices)` | before the step: one symbolic id for each request of the batch |
# | `resolve(input_ids)` | as the step begins: replaces symbolic ids by the tokens they stand for |
# | `stash(ids, tokens)` | after sampling: keeps the tokens, so that the next step can resolve them |
#
# All arguments and results are int64 tensors of one dimension. `req_pool_indices` are the rows of the requests, 1 to
# `max_num_seqs`: every running request has a row of its own. A prompt may come in pieces; each piece reserves and
# stashes as well, although nobody will ever resolve its token.
#
# **A negative number is a promise.** Ids are strictly below 0, tokens are 0 or more, so one tensor can hold both, and
# the sign tells them apart. `ids[i]` stands for `tokens[i]`, entry by entry. A batch of nobody gets no ids, and nothing
# changes.
#
# **Everything else stays.** A batch may mix both kinds: prompts bring real tokens, decodes bring ids. What is 0 or
# more comes back as it was, token 0 too, and also token 100,000, which is a larger number than your map has places.
#
# **Stay on the device.** On a GPU, `.tolist()`, `.item()` and a mask as an index (`x[x < 0]`) make the CPU wait until
# all that was launched has run: no overlap is left. `torch.where(condition, a, b)` waits for nobody; it computes
# *both* sides in full, though, so a lookup in `a` happens for every entry, symbolic or not. `tensor.clamp(min=0)` keeps
# an index in its range.
#
# **Whose memory.** What the map is given stays as it is, and what it hands out never changes later: new tensors, int64
# like the old ones, no views of the map's own.
#
# **A ring of places.** The tokens wait in a tensor on `device`. `reserve` hands its places out one after the other, and
# when the end is reached it begins again. It needs no tensor for that, only a cursor, a plain Python number. The ring
# must remember the last `3 * max_num_seqs` tokens: an id is good as long as, from itself on, no more places than that
# were handed out.
#
# **The ids know where** they are stored. The next batch may be reserved before this one is stashed, so `stash` finds
# its places from `ids`, not from the cursor.
#
# **The end of the ring** may fall into the middle of a batch. There are several good ways: wrap each place round by
# itself, let batches spill into extra room behind the end, or begin again early in a longer tensor. No token that must
# be remembered may be overwritten, and no place skipped at its expense.
#
# ### 7.3 A ring of symbolic tokens
# difficulty ●●●●○ · importance ●●●●● · 20 minutes · 6 points · CPU · *write it*
#
# An example for `max_num_seqs=4`. `reserve` of the rows [2, 4, 1] may give [-1, -2, -3]; after `stash` of these with
# [71, 0, 12], `resolve` of [5, -3, 0, -1] is [5, 12, 0, 71]. Which negative numbers you choose is your own affair.


# %% grade_id="ring_future_map"
class RingFutureMap:
    """Tokens that are not there yet, in a ring that remembers the last 3 x max_num_seqs of them."""

    def __init__(self, max_num_seqs, device):
        ### BEGIN SOLUTION
        self.num_places = 3 * max_num_seqs
        self.cursor = 0
        self.tokens = torch.full((self.num_places,), -1, dtype=torch.int64, device=device)
        ### END SOLUTION

    def reserve(self, req_pool_indices):
        """Return one id per request, int64, each below 0."""
        ### BEGIN SOLUTION
        count = torch.arange(len(req_pool_indices), device=self.tokens.device)
        places = (self.cursor + count) % self.num_places
        self.cursor = (self.cursor + len(req_pool_indices)) % self.num_places
        return -1 - places
        ### END SOLUTION

    def stash(self, ids, tokens):
        """Keep tokens[i] for whoever brings ids[i]."""
        ### BEGIN SOLUTION
        self.tokens[-1 - ids] = tokens
        ### END SOLUTION

    def resolve(self, input_ids):
        """Return a new tensor: ids replaced by their tokens, all others as they are."""
        ### BEGIN SOLUTION
        places = (-1 - input_ids).clamp(min=0)
        return torch.where(input_ids < 0, self.tokens[places], input_ids)
        ### END SOLUTION


# %%
# learn.hint(lab07.RING_FUTURE_MAP)

# %% grade_id="test_ring_future_map" points=6
check(lab07.RING_FUTURE_MAP, RingFutureMap)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_ring_script, oracle_full_ring from reference.py
oracle_rng = Random(SEED + 3)
oracle_scripts = [(m, oracle_ring_script(oracle_rng, m, 30)) for m in (1, 2, 3, 5, 8)]
oracle_scripts += [(m, oracle_full_ring(oracle_rng, m)) for m in (2, 3, 5, 6, 7)]
require(judge(lab07.RING_FUTURE_MAP, RingFutureMap, [Case(script, FINE) for script in oracle_scripts]))
### END HIDDEN TESTS

# %% [markdown]
# ## How long can a token wait?
#
# Three times the largest batch sounds generous: a token is read in the very next step, and by then at most two batches
# of places were handed out. Is it? SGLang thought so for a year.
#
# **Who waits, and who takes places.** The scheduler here does what SGLang's does: *prompts go first*. As long as any
# request has a prompt to compute, batches hold nothing else, and requests that could decode wait, each with a token
# that nobody has read yet. At most `max_num_seqs` requests run at a time, each on its row; they are let in in order as
# rows come free, and everybody is there from the start.
#
# **A piece of a prompt takes a place.** Of every prompt at most 4 tokens are computed in one step, a prompt of 40
# tokens thus in ten steps, and prompts of several requests in the same step. In each step every request of the batch
# takes one place of the ring. A token is lost if, from its own place on, more than `3 * max_num_seqs` were handed out
# before the step that reads it.
#
# ### 7.4 Break your ring
# difficulty ●●●●○ · importance ●●●●○ · 15 minutes · 5 points · CPU · *find it*
#
# `corrupting_workload(max_num_seqs)` gives a list of requests, each `[prompt length, new tokens]`, on which a ring of
# `3 * max_num_seqs` places loses a token; `max_num_seqs` is 2 to 16. The check runs it. Two points are for a loss,
# three for a quick one: what counts is the number of steps up to the one that reads the lost token, that step included
# and the first one too. All three points are for the fewest possible, none for twice as many, and a straight line in
# between. Up to 40 requests, prompts up to 400 tokens, up to 100 new tokens.


# %% grade_id="corrupting_workload"
def corrupting_workload(max_num_seqs):
    """Return requests, each [prompt length, new tokens], on which a ring of 3 x max_num_seqs places loses a token."""
    ### BEGIN SOLUTION
    places, per_step = 3 * max_num_seqs, max_num_seqs - 1  # one waits, all others take places
    # Step 0 hands out max_num_seqs places, the first of them to the one who waits; more than `places` have to go.
    more_steps = -(-(places + 1 - max_num_seqs) // per_step)
    return [[1, 2]] + [[4 * (1 + more_steps), 1]] * per_step
    ### END SOLUTION


# %%
# learn.hint(lab07.CORRUPTING_WORKLOAD)

# %% grade_id="test_corrupting_workload" points=2
check(lab07.CORRUPTING_WORKLOAD, corrupting_workload)
### BEGIN HIDDEN TESTS
from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require

require(judge(lab07.CORRUPTING_WORKLOAD, corrupting_workload, [Case((m,), FINE) for m in (3, 5, 6, 11)]))
### END HIDDEN TESTS

# %% grade_id="test_corrupting_workload__soon" points=3
check(lab07.CORRUPTING_SOON, corrupting_workload)
### BEGIN HIDDEN TESTS
from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require

#| include oracle_fewest_steps, oracle_steps_credit from reference.py
oracle_verdict = judge(lab07.CORRUPTING_SOON, corrupting_workload, [Case((m,), FINE) for m in (2, 4, 5)])
require(oracle_verdict)
oracle_steps = {o.case.args[0]: o.value["num_steps"] for o in oracle_verdict.outcomes}
oracle_share, oracle_sentence = oracle_steps_credit(oracle_steps)
print(oracle_sentence)
round(3 * oracle_share, 2)
### END HIDDEN TESTS

# %%
lab07.show_loss(corrupting_workload, RingFutureMap)

# %% [markdown]
# Your own ring has lost it too, and no error was raised: a request simply goes on from somebody else's token. SGLang
# found this in 2025 and made its ring longer, by as many batches as the longest prompt has pieces (PR 13713). Still no
# fixed length is enough: while one request waits, any number of others may come one by one, each for a single token,
# and each takes a place.
#
# ## A place of one's own
#
# **A place of one's own.** A running request has a row, and keeps it until it ends. So let the row be the place: nobody
# else can take it, whoever comes and however long one waits. The map needs no cursor, and its memory never grows.
# SGLang has done so since 0.5.13.
#
# **Row 0 is nobody's.** Rows run from 1 to `max_num_seqs`. A graph for 8 rows that serves 5 requests computes three
# padded rows, and in SGLang their row is 0. The check does the same: `reserve` and `stash` get padded rows too, with
# any token, and that must harm nobody. The id of row 0 is never resolved, so it may be any number, even 0.
#
# ### 7.5 A map that cannot be corrupted
# difficulty ●●○○○ · importance ●●●●● · 8 minutes · 4 points · CPU · *write it; most of it is 7.3*


# %% grade_id="pool_future_map"
class PoolFutureMap:
    """Tokens that are not there yet, each in the row of its request; row 0 is padding."""

    def __init__(self, max_num_seqs, device):
        ### BEGIN SOLUTION
        self.tokens = torch.full((max_num_seqs + 1,), -1, dtype=torch.int64, device=device)
        ### END SOLUTION

    def reserve(self, req_pool_indices):
        """Return one id per request, int64, each below 0; of a padded row (0) any number."""
        ### BEGIN SOLUTION
        return -req_pool_indices
        ### END SOLUTION

    def stash(self, ids, tokens):
        """Keep tokens[i] for whoever brings ids[i]."""
        ### BEGIN SOLUTION
        self.tokens[-ids] = tokens
        ### END SOLUTION

    def resolve(self, input_ids):
        """Return a new tensor: ids replaced by their tokens, all others as they are."""
        ### BEGIN SOLUTION
        return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)
        ### END SOLUTION


# %%
# learn.hint(lab07.POOL_FUTURE_MAP)

# %% grade_id="test_pool_future_map" points=4
check(lab07.POOL_FUTURE_MAP, PoolFutureMap)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_pool_script from reference.py
oracle_rng = Random(SEED + 5)
oracle_scripts = [(m, oracle_pool_script(oracle_rng, m, 30)) for m in (1, 2, 3, 5, 8)]
require(judge(lab07.POOL_FUTURE_MAP, PoolFutureMap, [Case(script, FINE) for script in oracle_scripts]))
### END HIDDEN TESTS

# %%
lab07.show_loss(corrupting_workload, PoolFutureMap)

# %% [markdown]
# ## All of it together
#
# **Your pieces in the engine.** `mini_lib.Engine` schedules, runs a model, samples, and moves tokens through whatever
# map it is given. `event_loop=` takes a function of (scheduler, runner), `future_map=` anything that makes a map when
# it is called with (max_num_seqs, device): a class will do. Its own loop and its own map are withheld here, so it runs
# with yours or not at all.
#
# The check serves five kinds of workload: random requests, requests that end by length alone, steady decoding on a
# device that runs nothing until somebody waits, long prompts in tiny pieces, and too little memory, so that requests
# are retracted and begin again. The model computes with whole numbers, each next token a hash of everything before it.
# Every token has to be the one that its request would get alone.
#
# ### 7.6 Your pieces in the engine
# difficulty ●○○○○ · importance ●●●●● · 5 minutes · 3 points · CPU · *one line*
#
# `overlapped_engine(config, **settings)` gives an engine for `config`, with your overlap loop, the map that cannot be
# corrupted, and all `settings` handed on. If 7.2 or 7.5 is a stub, this counts as *not attempted*.


# %% grade_id="overlapped_engine"
def overlapped_engine(config, **settings):
    """Return an Engine that runs event_loop_overlap and PoolFutureMap."""
    ### BEGIN SOLUTION
    return Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)
    ### END SOLUTION


# %%
# learn.hint(lab07.OVERLAPPED_ENGINE)

# %% grade_id="test_overlapped_engine" points=3
check(lab07.OVERLAPPED_ENGINE, overlapped_engine)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case, judge, require

#| seed
oracle_rng = Random(SEED + 6)
oracle_served = [(family, oracle_rng.randrange(1000), {}) for family in ("random", "retract")]
oracle_served.append(("chunk_heavy", oracle_rng.randrange(1000), {"policy": "prefill_first"}))
require(judge(lab07.OVERLAPPED_ENGINE, overlapped_engine, [Case(args, FINE) for args in oracle_served]))
### END HIDDEN TESTS

# %%
lab07.show_engine(overlapped_engine)

# %% [markdown]
# ## What it brings, and when
#
# Every `launch` stands before the `process` of the step before it: that is your loop, at work in an engine that replays
# graphs. How much time it saves on a machine is measured in notebook 09. Here is the arithmetic, for one request.
#
# **Who waits for whom.** There is one CPU. It schedules step n, launches it at once, then processes step n - 1, if that
# has ended; else it waits for it. The GPU begins a step when it is launched and the step before has ended. A launch
# itself takes no time here.
#
# **The first step and the last** are different: when the first is launched there is nothing to process yet, and when
# the last is launched there is nothing to schedule any more: the CPU processes the step before, waits for the last
# step, and processes that.
#
# ### 7.7 When does it help?
# difficulty ●●●○○ · importance ●●●●○ · 10 minutes · 3 points · CPU · *a new situation*
#
# `loop_times(num_steps, schedule_us, gpu_us, process_us)` gives `[sequential, overlapped]`: how many microseconds both
# loops take for one request of so many steps (at least 1), from the first schedule to the end of the last process.
# `loop_times(10, 200, 600, 150)` is `[9500, 6350]`.


# %% grade_id="loop_times"
def loop_times(num_steps, schedule_us, gpu_us, process_us):
    """Return [sequential, overlapped], in microseconds."""
    ### BEGIN SOLUTION
    cpu, ended = 0, []
    for step in range(num_steps):
        cpu += schedule_us
        ended.append(max([cpu, *ended[-1:]]) + gpu_us)  # when the GPU ends this step
        if step > 0:
            cpu = max(cpu, ended[step - 1]) + process_us
    return [num_steps * (schedule_us + gpu_us + process_us), max(cpu, ended[-1]) + process_us]
    ### END SOLUTION


# %%
# learn.hint(lab07.LOOP_TIMES)

# %% grade_id="test_loop_times" points=3
check(lab07.LOOP_TIMES, loop_times)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_loop_times from reference.py
oracle_rng = Random(SEED + 7)
oracle_drawn = [(oracle_rng.randrange(1, 30), *(oracle_rng.randrange(20, 900) for _ in range(3))) for _ in range(25)]
require(judge(lab07.LOOP_TIMES, loop_times, [Case(args, oracle_loop_times(*args)) for args in oracle_drawn]))
### END HIDDEN TESTS

# %%
lab07.show_gains(loop_times)

# %% [markdown]
# The gain is largest where CPU and GPU need about the same time: then it comes close to 2, and it can never exceed
# that. A GPU that takes a hundred times as long as the CPU gains next to nothing, and so does one that is a hundred
# times faster; there the CPU's own work has to shrink, and graphs are how.
#
# **Takeaway.** Overlap is two lines in another order, and a promise: tokens may be named before they exist, if what
# keeps them is ordered on the device and belongs to whoever waits. A ring keeps the promise for a while; a row of one's
# own keeps it.
