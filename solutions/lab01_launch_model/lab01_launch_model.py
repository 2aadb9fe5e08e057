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
# # Lab 1: Launch model
#
# difficulty ●●●○○ · importance ●●●●● · about 57 minutes · 20 points · CPU
#
# How long does a decode step take, eagerly and with a graph, on a server that you do not have? A few numbers and two
# lanes answer that closely enough to decide on: the CPU's lane, on which launches are written down, and the GPU's lane,
# on which kernels run. You build the model, fit it to a trace, predict steps that nobody has run, and decide for three
# servers whether graphs are worth their start-up.
#
# You write six functions. Each takes plain numbers, lists and dicts and gives such a value back.
#
# | task | you write | difficulty | importance | minutes | points |
# |---|---|---|---|---|---|
# | 1.1 | nothing: read a step, and predict | ●○○○○ | ●●●●● | 4 | 0 |
# | 1.2 | the launch queue, launch by launch | ●●●○○ | ●●●●● | 10 | 4 |
# | 1.3 | the time of a step as a formula | ●●○○○ | ●●●●● | 7 | 3 |
# | 1.4 | the batch from which on the GPU is the slower one | ●●●○○ | ●●●●● | 9 | 3 |
# | 1.5 | the costs that made a trace | ●●●●○ | ●●●●○ | 12 | 4 |
# | 1.6 | an unseen sweep, predicted | ●●●○○ | ●●●●○ | 7 | 3 |
# | 1.7 | graphs or eager, for three servers | ●●●○○ | ●●●●● | 8 | 3 |
#
# After each task stands its check. It says *not attempted*, *wrong* and why, or *right*, and it is yours to run as
# often as you like. The grader asks the same questions of other numbers, so an answer that knows only the visible
# cases earns little. Under each task a line starts with `# learn.hint(...)`: take the `#` away and run it, up to three
# times. No task needs the function of another.

# %% grade_id="setup" locked=true
from mini_lib import learn
from mini_lib.labs import lab01
from mini_lib.learn import check, predict, reveal

learn.start_lab("lab01")

# %% [markdown]
# ## One step on two lanes
#
# ### 1.1 Read a step
# difficulty ●○○○○ · importance ●●●●● · 4 minutes · 0 points · CPU · *worked: read it and predict*
#
# Eight kernels of 3 µs. A launch takes the CPU 7.5 µs, a launched kernel starts 2 µs later at the earliest, and between
# two kernels lie at least 1 µs: the costs that `mini_lib/timing/costs.py` assumes, each with its source there.

# %%
lab01.show_step(3)

# %% [markdown]
# Read the GPU's lane: after each kernel it waits for the next launch. Kernels start 9.5, 17, 24.5, ... µs after the
# beginning, each a launch later than the one before, and the last one ends at 65 µs.
#
# Now every kernel takes twice as long, 6 µs in place of 3: the GPU has 24 µs more to do. Predict: how long does the
# step take?

# %%
predict("lab01: eight kernels of 6 us", ..., unit="us")  # put your guess in place of the dots

# %%
reveal("lab01: eight kernels of 6 us", simulated=68.0, unit="us")
lab01.show_step(3, 6, 12)

# %% [markdown]
# 24 µs more work, and the step is 3 µs longer. Seven of the eight kernels fill time in which the GPU would have waited;
# only the last one is longer for all to see. With 12 µs it is another picture: now the CPU is done early, and the
# kernels follow one another.
#
# ## The launch queue
#
# **A launch is an order.** The CPU writes it down, which takes `launch_us`, and goes on at once with the next one: it
# does not wait for the kernel. So the two lanes overlap, and their times do not add up.
#
# **The rule.** A kernel starts when both have happened: the GPU is free, and its order has arrived. That is at
# max(end of the kernel before + gap, end of its launch + latency). Notebook 00 had it without the two small costs.
#
# **Gap and latency.** `gap_us` is the least time from the end of one kernel to the start of the next. It may pass
# while the GPU waits, and before the first kernel there is none. `latency_us` is how long an order travels, from the
# end of its launch. The CPU does not stand still meanwhile.
#
# **The queue** has `queue_depth` places. A launch takes a place and keeps it until its kernel has *ended*. When all
# places are taken, the CPU waits until the oldest is free, and only then begins the launch. So launch n cannot begin
# before kernel n - `queue_depth` has ended.
#
# ### 1.2 The launch queue
# difficulty ●●●○○ · importance ●●●●● · 10 minutes · 4 points · CPU · *complete it: the round is yours*
#
# `launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth)` gives `[launches, kernels]`, each a list with
# one pair `[start, end]` for each kernel, in µs. The CPU begins its first launch at 0. For one kernel of 5 µs with a
# launch of 7, a gap of 1.5 and a latency of 2 that is `[[[0, 7]], [[9, 14]]]`.


# %% grade_id="launch_queue"
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    """Return [launches, kernels], each a list of [start, end] in us, one pair for each kernel."""
    launches, kernels = [], []
    cpu_us = 0.0  # from here on the CPU is free
    for n, us in enumerate(kernel_us):
        ### BEGIN SOLUTION
        if n >= queue_depth:
            cpu_us = max(cpu_us, kernels[n - queue_depth][1])
        launches.append([cpu_us, cpu_us + launch_us])
        cpu_us += launch_us
        start_us = cpu_us + latency_us
        if kernels:
            start_us = max(start_us, kernels[-1][1] + gap_us)
        kernels.append([start_us, start_us + us])
        ### END SOLUTION
    return [launches, kernels]


# %%
# learn.hint(lab01.LAUNCH_QUEUE)

# %% grade_id="test_launch_queue" points=4
check(lab01.LAUNCH_QUEUE, launch_queue)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_launch_queue, oracle_queue_cases from reference.py
oracle_cases = [Case(args, oracle_launch_queue(*args)) for args in oracle_queue_cases(Random(SEED), 18)]
require(judge(lab01.LAUNCH_QUEUE, launch_queue, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## Without playing it
#
# **Who sets the pace.** Let all kernels take the same time, and let the queue be deep. Then one lane is ahead from the
# second kernel on and stays ahead. Where a launch takes longer than a kernel and its gap, the GPU waits for every
# launch, and the step is *launch-bound*: each kernel starts one launch after the one before. Else the step is
# *GPU-bound*: each kernel starts a kernel and a gap after the one before. The gap belongs to the kernel's side.
#
# **Head and tail.** The first kernel cannot start before one launch and one latency are over, and the last one has to
# run, whoever sets the pace. With a thousand kernels nobody sees head and tail; with eight they are a fifth of the
# step.
#
# ### 1.3 Closed form
# difficulty ●●○○○ · importance ●●●●● · 7 minutes · 3 points · CPU · *write it, without a loop*
#
# `step_time(num_kernels, kernel_us, launch_us, gap_us, latency_us)` gives `[us, regime]`: when the last kernel ends,
# for two or more equal kernels and a queue that never fills, and `"launch-bound"` or `"GPU-bound"`. `step_time(8, 3,
# 7.5, 1, 2)` is `[65, "launch-bound"]`. The check wants what 1.2 would give, to a billionth.


# %% grade_id="step_time"
def step_time(num_kernels, kernel_us, launch_us, gap_us, latency_us):
    """Return [us, regime] of a step of equal kernels, from its first launch to the end of its last kernel."""
    ### BEGIN SOLUTION
    pace_us = max(launch_us, kernel_us + gap_us)
    regime = "launch-bound" if launch_us > kernel_us + gap_us else "GPU-bound"
    return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]
    ### END SOLUTION


# %%
# learn.hint(lab01.STEP_TIME)

# %% grade_id="test_step_time" points=3
check(lab01.STEP_TIME, step_time)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_step_time, oracle_equal_kernels from reference.py
oracle_cases = [Case(args, oracle_step_time(*args)) for args in oracle_equal_kernels(Random(SEED + 1), 24)]
require(judge(lab01.STEP_TIME, step_time, oracle_cases))
### END HIDDEN TESTS

# %%
lab01.show_queue(launch_queue, step_time)

# %% [markdown]
# Up to 6 µs the kernels hardly matter, from 7 µs on nothing else does. "Launches twice as fast make the step twice as
# fast" and "kernels twice as fast make the step twice as fast" are both nearly true, each on its own side of that
# border.
#
# ## Where the border lies
#
# **What grows with the batch.** In a decode step a kernel reads its weights once, however many rows use them, and then
# does something for every row. So a kernel takes `weights_us + batch * row_us`. Some have no weights worth speaking of,
# some have no rows.
#
# **Two lanes, a whole step.** Kernels are not equal, and in a long row of steps one step's head hides behind another's
# tail. What is left is a comparison of sums. The CPU's lane: `host_us` for everything but launching (the batch is made,
# tokens are taken in), and a launch for each kernel. The GPU's lane: all kernels, each with its gap. No batch size
# changes the CPU's lane.
#
# **A graph** is one launch: it costs the CPU `graph_launch_us`, however many kernels it brings (very nearly: NVIDIA
# measured about 1 ns more for each). Kernels inside it keep `graph_gap_us` from one another, and take as long as ever.
# (Between two replays lies one ordinary gap; this lab leaves that difference out.)
#
# **At least as long.** The step is GPU-bound at the first batch at which the GPU's lane is at least as long as the
# CPU's. There may be none: no batch is larger than `max_batch`.
#
# As an example, the eight kernels below with a launch of 7.5 µs and `host_us` 44: the CPU takes 44 + 8 × 7.5 = 104 µs.
# The GPU takes 32 µs for weights, 8 µs for gaps and 3 µs a row, so 103 µs at batch 21 and 106 µs at batch 22.

# %%
print("kernels:", lab01.KERNELS)
print("costs:  ", lab01.COSTS)

# %% [markdown]
# ### 1.4 Crossover batch
# difficulty ●●●○○ · importance ●●●●● · 9 minutes · 3 points · CPU · *write it*
#
# `crossover_batch(kernels, costs, mode, max_batch)` gives the smallest batch from 1 to `max_batch` at which the step is
# GPU-bound, or None. `kernels` is a list of pairs `[weights_us, row_us]`, `mode` is `"eager"` or `"graph"`. For the
# example it is 22 eagerly, and 4 with a graph.


# %% grade_id="crossover_batch"
def crossover_batch(kernels, costs, mode, max_batch):
    """Return the smallest batch at which the GPU takes at least as long as the CPU, or None."""
    ### BEGIN SOLUTION
    if mode == "eager":
        launches_us, gap_us = len(kernels) * costs["launch_us"], costs["gap_us"]
    else:
        launches_us, gap_us = costs["graph_launch_us"], costs["graph_gap_us"]
    for batch in range(1, max_batch + 1):
        gpu_us = sum(weights_us + batch * row_us + gap_us for weights_us, row_us in kernels)
        if gpu_us >= costs["host_us"] + launches_us:
            return batch
    return None
    ### END SOLUTION


# %%
# learn.hint(lab01.CROSSOVER)

# %% grade_id="test_crossover_batch" points=3
check(lab01.CROSSOVER, crossover_batch)
### BEGIN HIDDEN TESTS
from fractions import Fraction  # noqa: F401 - for the included functions
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_crossover, oracle_border, oracle_models from reference.py
oracle_cases = [Case(args, oracle_crossover(*args)) for args in oracle_models(Random(SEED + 2), 18)]
require(judge(lab01.CROSSOVER, crossover_batch, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# A graph moves the border from 22 down to 4: between them lie the batches for which graphs were invented. With small
# `host_us` it moves to 1. What keeps it above 1 is the CPU's other work, and that is lab 7's business.
#
# ## The costs of a real machine
#
# Where do `launch_us`, `gap_us` and `latency_us` come from? From a trace: when each call of a launch began and
# returned, when each kernel began and ended. **The trace below is made by a simulator, with costs that it keeps to
# itself, and with noise.** No GPU has recorded one for this lab. The lab's last cell shows what a GPU paid for
# launching, where one was recorded.
#
# First come short kernels, then long ones. Every launch, gap, latency and kernel varies by up to 7 %, and one in twenty
# takes three to twelve times as long: an interrupt, a page that was not there. `lab01.TRACE` is its pair of lists, and
# its queue has 7 places.

# %%
lab01.show_trace()

# %% [markdown]
# Up to kernel 110 the GPU waits for each launch. Launch 111 is an outlier. Then the CPU runs ahead, and from launch 120
# on the calls find the queue full.
#
# **Calls before a full queue.** A call that finds the queue full lasts until a place is free and the launch is done,
# and the trace shows one long span. It tells how long a kernel takes, not a launch. Such a call began while the kernel
# of `queue_depth` launches before had not ended; leave it out.
#
# **Gap or latency?** By the rule a kernel starts at the later of two moments, so each start tells one of the two costs
# and says nothing about the other. If its launch had ended before the kernel before did, the GPU was busy and the order
# lay ready: what lies between the two kernels is the gap. If the launch ended later, the GPU waited for it: what lies
# between the end of the launch and the start of the kernel is the latency. The first kernel waits for its launch, too.
#
# **The middle one.** Of many values with outliers on one side, the mean goes with the outliers, and the smallest is the
# luckiest. The median stays where most values are.
#
# ### 1.5 Fit a trace
# difficulty ●●●●○ · importance ●●●●○ · 12 minutes · 4 points · CPU · *write it*
#
# `fit(launches, kernels, queue_depth)` gives `{"launch_us": ..., "gap_us": ..., "latency_us": ...}`. `launches` and
# `kernels` are lists of `[start, end]`, as in 1.2. Within 5 % of the hidden costs is right: three ways of fitting were
# off by about 3 % at worst on 800 traces, and the smallest value of each kind, which is no fit, is off by nearly 7 %.


# %% grade_id="fit"
def fit(launches, kernels, queue_depth):
    """Return the costs that made the trace, a dict of three numbers in us."""
    ### BEGIN SOLUTION
    from statistics import median

    launch, gap, latency = [], [], []
    for n, (called_us, returned_us) in enumerate(launches):
        if n < queue_depth or kernels[n - queue_depth][1] <= called_us:
            launch.append(returned_us - called_us)
        if n > 0 and returned_us < kernels[n - 1][1]:
            gap.append(kernels[n][0] - kernels[n - 1][1])
        else:
            latency.append(kernels[n][0] - returned_us)
    return {"launch_us": median(launch), "gap_us": median(gap), "latency_us": median(latency)}
    ### END SOLUTION


# %%
# learn.hint(lab01.FIT)

# %% grade_id="test_fit" points=4
check(lab01.FIT, fit)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_noisy_queue, oracle_trace from reference.py
oracle_rng, oracle_cases = Random(SEED + 3), []
for oracle_shape in ((200, 150), (150, 260), (220, 110)):
    oracle_cases.append(Case(*oracle_trace(oracle_rng, *oracle_shape)))
require(judge(lab01.FIT, fit, oracle_cases))
### END HIDDEN TESTS

# %% [markdown]
# ## Steps that nobody has run
#
# With the costs in hand, predict. A simulated server ran steps of equal kernels, of several lengths and batch sizes,
# eagerly and with a graph, and each time below is the median of nine runs whose parts vary by up to 7 %. From another
# trace of that server somebody has fitted the three costs and the two of a graph, within 1 %. Of its kernels you know
# `weights_us` and `row_us`.
#
# ### 1.6 Unseen sweep
# difficulty ●●●○○ · importance ●●●●○ · 7 minutes · 3 points · CPU · *a new situation for 1.3*
#
# `predict_sweep(fitted, kernel, points)` gives a list with one time in µs for each point `[mode, num_kernels, batch]`,
# from the beginning of the first launch to the end of the last kernel. `fitted` has the keys `launch_us`, `gap_us`,
# `latency_us`, `graph_launch_us` and `graph_gap_us`; the queue never fills. With a graph the first kernel starts a
# graph launch and a latency after the beginning. Within 5 % is right: 1 % for the fit, 3 % for the median of a short
# noisy step, and a little room.


# %% grade_id="predict_sweep"
def predict_sweep(fitted, kernel, points):
    """Return how long each step takes, in us; a point is [mode, num_kernels, batch]."""
    times = []
    for mode, num_kernels, batch in points:
        ### BEGIN SOLUTION
        us = kernel["weights_us"] + batch * kernel["row_us"]
        if mode == "eager":
            head_us, pace_us = fitted["launch_us"], max(fitted["launch_us"], us + fitted["gap_us"])
        else:
            head_us, pace_us = fitted["graph_launch_us"], us + fitted["graph_gap_us"]
        times.append(head_us + fitted["latency_us"] + (num_kernels - 1) * pace_us + us)
        ### END SOLUTION
    return times


# %%
# learn.hint(lab01.PREDICT_SWEEP)

# %% grade_id="test_predict_sweep" points=3
check(lab01.PREDICT_SWEEP, predict_sweep)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_noisy_queue, oracle_noisy_step, oracle_sweep from reference.py
oracle_rng = Random(SEED + 4)
oracle_cases = [Case(*oracle_sweep(oracle_rng, 10)) for _ in range(4)]
require(judge(lab01.PREDICT_SWEEP, predict_sweep, oracle_cases))
### END HIDDEN TESTS

# %%
lab01.show_sweep(predict_sweep)

# %% [markdown]
# Divide eager by graph. At 40 kernels a graph makes the step two and a half times faster at batch 4, and 3 % faster at
# batch 256. Not forty times: what it saves is waiting, and in the second case nobody waited.
#
# ## Worth its start-up?
#
# vLLM has a switch, `enforce_eager`. With `True` it captures nothing and launches every kernel. Why would anybody want
# that?
#
# **What graphs save.** Per step, the difference of two step times, each the longer one of its two lanes as in 1.4. From
# one start of the server to the next that is paid `steps` times.
#
# **What graphs cost.** At every start `num_graphs` captures of `capture_ms` each. What is left is the number that
# decides: seconds saved from one start to the next.
#
# **Two budgets** have a veto. `free_mib` is the memory that nobody needs: each graph takes `mib_per_graph` of it. And
# `startup_budget_s` is how long the captures may take, all together, before somebody needs the server. What just fits,
# fits.
#
# **When graphs lose.** Before each replay the batch is copied into the static inputs, `copy_us` on the GPU's lane. A
# step that is GPU-bound when eager gains only the smaller gaps, and may lose them to the copies. PyGraph
# (arXiv 2503.19779) found that in many cases. And a server that is started for a handful of steps never earns its
# captures back.
#
# ### 1.7 Three servers
# difficulty ●●●○○ · importance ●●●●● · 8 minutes · 3 points · CPU · *a new situation for 1.4*
#
# `enforce_eager(server)` gives `[enforce_eager, seconds]`: True for eager or False for graphs, and the seconds that
# graphs save from one start to the next, not rounded, below 0 where they lose. Give the true number also where a budget
# forbids graphs. `False` needs more than 0 seconds and both budgets. A step takes
#
# - eagerly: the longer of `host_us` with a launch for each of `num_kernels`, and all kernels (`kernel_us` each) with
#   their gaps;
# - with a graph: the longer of `host_us` with one graph launch, and all kernels with the graph's gaps and the copies.
#
# The three servers, each a dict with these keys; `lab01.SERVERS` has them by name.

# %%
lab01.list_servers()


# %% grade_id="enforce_eager"
def enforce_eager(server):
    """Return [enforce_eager, seconds that graphs save from one start to the next]."""
    ### BEGIN SOLUTION
    n, host_us = server["num_kernels"], server["host_us"]
    eager_us = max(host_us + n * server["launch_us"], n * (server["kernel_us"] + server["gap_us"]))
    replayed_us = n * (server["kernel_us"] + server["graph_gap_us"]) + server["copy_us"]
    graph_us = max(host_us + server["graph_launch_us"], replayed_us)
    capture_s = server["num_graphs"] * server["capture_ms"] / 1000
    saved_s = server["steps"] * (eager_us - graph_us) / 1e6 - capture_s
    fits = server["num_graphs"] * server["mib_per_graph"] <= server["free_mib"]
    in_time = capture_s <= server["startup_budget_s"]
    return [not (saved_s > 0 and fits and in_time), saved_s]
    ### END SOLUTION


# %%
# learn.hint(lab01.ENFORCE_EAGER)

# %% grade_id="test_enforce_eager" points=3
check(lab01.ENFORCE_EAGER, enforce_eager)
### BEGIN HIDDEN TESTS
from random import Random

from mini_lib.learn import Case, judge, require

#| seed
#| include oracle_enforce_eager, oracle_servers from reference.py
oracle_drawn = oracle_servers(Random(SEED + 5), 20)
require(judge(lab01.ENFORCE_EAGER, enforce_eager, [Case((one,), oracle_enforce_eager(one)) for one in oracle_drawn]))
### END HIDDEN TESTS

# %%
lab01.show_servers(enforce_eager)

# %% [markdown]
# The launch costs of these servers are those that `mini_lib/timing/costs.py` assumes. The prices of a capture are
# published: 57 ms for a piecewise graph (vllm#22897), 400 ms for a full one (vllm#11349), 10 MB for each graph outside
# the shared pool (TensorRT-LLM blog 20). Kernels, hosts and steps are made up.
#
# ## If you like: a GPU's own numbers
#
# Where a GPU has been recorded for this course, the cell shows what it measured, so that you can put its costs into
# your functions. Nothing here is graded.

# %%
lab01.show_recorded()

# %% [markdown]
# **Takeaway.** A step takes as long as its slower lane, with a head and a tail. A graph takes launches off the CPU's
# lane and leaves the GPU's nearly as it is, so it helps exactly where the GPU waits. Three medians fit the model, two
# sums tell on which side a batch lies, and one subtraction whether graphs are worth their start.
