"""Right and wrong answers to the exercises of notebook 01, for test_practice.py."""

from mini_lib.timing import Kernel, LaunchQueue


def measured(us_per_call):
    """Return what the notebook's cell measures with this timer: a simulated device that is cold, and has other work."""

    def measure(kernel_us, num_calls):
        queue, cold = LaunchQueue(), [True]
        queue.launch(Kernel("somebody else's work", 30_000.0))

        def call():
            if cold:
                queue.host("load the kernels", 20_000.0)
                cold.clear()
            for _ in range(12):
                queue.launch(Kernel("kernel", kernel_us))

        return us_per_call(call, queue.synchronize, lambda: queue.now_us, num_calls)

    return measure


def timer(*, warm_up=True, wait_before=True, wait_each=False, wait_after=True, divide=True):
    def us_per_call(call, synchronize, now_us, num_calls):
        if warm_up:
            call()
        if wait_before:
            synchronize()
        start_us = now_us()
        for _ in range(num_calls):
            call()
            if wait_each:
                synchronize()
        if wait_after and not wait_each:
            synchronize()
        return (now_us() - start_us) / (num_calls if divide else 1)

    return measured(us_per_call)


def saved(step_us):
    """Return an answer from a step's time: step_us(n, launch_us, kernel_us, gap_us)."""
    return lambda n, launch, kernel, gap, factor: (
        step_us(n, launch, kernel, gap) - step_us(n, launch, kernel / factor, gap)
    )


def two_lanes(n, launch, kernel, gap):
    return max(n * launch, n * (kernel + gap))


def shorter_gap(n, launch, kernel, gap, factor):
    return two_lanes(n, launch, kernel, gap) - two_lanes(n, launch, kernel / factor, gap / factor)


def only_while_gpu_bound(n, launch, kernel, gap, factor):
    after = n * (kernel / factor + gap)
    return two_lanes(n, launch, kernel, gap) - after if after > n * launch else 0.0


def below_the_launches(n, launch, kernel, gap, factor):
    return n * (kernel - kernel / factor) if kernel + gap > launch else 0.0


def warm_up_runs_on(call, synchronize, now_us, num_calls):
    synchronize()
    call()
    start_us = now_us()
    for _ in range(num_calls):
        call()
    synchronize()
    return (now_us() - start_us) / num_calls


RIGHT = {"01/us_per_call": timer(), "01/saved_us": saved(two_lanes)}
WRONG = {
    ("01/us_per_call", "does not wait at the end"): timer(wait_after=False),
    ("01/us_per_call", "reads the clock twice and nothing else"): timer(
        warm_up=False, wait_before=False, wait_after=False
    ),
    ("01/us_per_call", "launches nothing"): measured(lambda call, synchronize, now_us, num_calls: now_us() - now_us()),
    ("01/us_per_call", "measures its own warm-up"): measured(warm_up_runs_on),
    ("01/us_per_call", "measures the first call too"): timer(warm_up=False),
    ("01/us_per_call", "starts while the GPU is busy"): timer(wait_before=False),
    ("01/us_per_call", "starts cold, and while the GPU is busy"): timer(warm_up=False, wait_before=False),
    ("01/us_per_call", "waits after every call"): timer(wait_each=True),
    ("01/us_per_call", "does not divide"): timer(divide=False),
    ("01/saved_us", "makes the launches faster too"): lambda n, launch, kernel, gap, factor: (
        two_lanes(n, launch, kernel, gap) - two_lanes(n, launch / factor, kernel / factor, gap)
    ),
    ("01/saved_us", "the step and not what is saved"): lambda n, launch, kernel, gap, factor: two_lanes(
        n, launch, kernel / factor, gap
    ),
    ("01/saved_us", "the wrong way round"): lambda n, launch, kernel, gap, factor: (
        two_lanes(n, launch, kernel / factor, gap) - two_lanes(n, launch, kernel, gap)
    ),
    ("01/saved_us", "one kernel only"): saved(lambda n, launch, kernel, gap: max(launch, kernel + gap)),
    ("01/saved_us", "forgets the gaps"): saved(lambda n, launch, kernel, gap: n * max(launch, kernel)),
    ("01/saved_us", "counts the kernels alone"): saved(lambda n, launch, kernel, gap: n * kernel),
    ("01/saved_us", "makes the gap shorter too"): shorter_gap,
    ("01/saved_us", "nothing is saved where launches set the pace afterwards"): only_while_gpu_bound,
    ("01/saved_us", "goes below the launches"): below_the_launches,
}
