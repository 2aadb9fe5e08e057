"""The forked worker: it lives as long as its parent, nobody waits for the dead, and only host tensors are shared."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap

import pytest
import torch

from mini_lib.graphs.policies import DeviceWorkError, stream_policy
from tests.graphs.pipeline import new_policy

WITHOUT_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
pytestmark = WITHOUT_FORK


@pytest.fixture
def policy():
    with new_policy("process") as policy:
        yield policy


def worker_pid(policy) -> int:
    return policy._device._worker.pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_work_runs_in_another_process(policy):
    result = policy.host_tensor((1,), torch.int64)
    tell, stream = policy.kernel(lambda: result.fill_(os.getpid())), policy.stream("forward")
    policy.start()
    stream.launch(tell)
    policy.synchronize()
    assert result.item() == worker_pid(policy) != os.getpid()


def test_only_host_tensors_are_shared_after_the_start(policy):
    private, shared = torch.tensor([5]), policy.host_tensor((1,), torch.int64)

    @policy.kernel
    def add():
        private.add_(1)
        shared.add_(private)

    stream = policy.stream("forward")
    policy.start()
    private.fill_(1000)  # too late: the worker has its own
    shared.fill_(100)
    stream.launch(add)
    stream.launch(add)
    policy.synchronize()
    assert (shared.item(), private.item()) == (113, 1000)


def test_device_work_really_runs_beside_the_cpu(policy):
    """The worker waits for the CPU in the middle of a kernel: on any device that runs inline this would never end."""
    gate, result = policy.host_tensor((1,), torch.int64), policy.host_tensor((1,), torch.int64)

    @policy.kernel
    def step(number):
        while gate.item() < number:
            pass
        result.fill_(number)

    stream = policy.stream("forward")
    policy.start()
    events = []
    for number in (0, 1, 2):
        stream.launch(step, number)
        events.append(stream.record_event())
    for number in (0, 1, 2):
        events[number].synchronize()
        assert result.item() == number
        if number < 2:
            assert not events[number + 1].query()
        gate.fill_(number + 1)


def test_an_event_of_one_stream_does_not_wait_for_what_came_to_another(policy):
    gate = policy.host_tensor((1,), torch.int64)

    @policy.kernel
    def wait():
        while not gate.item():
            pass

    nothing = policy.kernel(lambda: None)
    first, second = policy.stream("first"), policy.stream("second")
    policy.start()
    first.launch(nothing)
    second.launch(wait)
    first.record_event().synchronize()
    first.wait_event(second.record_event())
    assert not first.record_event().query()
    gate.fill_(1)
    first.record_event().synchronize()


def test_a_launch_may_be_larger_than_the_pipe_and_there_may_be_many(policy):
    total = policy.host_tensor((1,), torch.int64)
    add, stream = policy.kernel(lambda numbers: total.add_(sum(numbers))), policy.stream("forward")
    policy.start()
    stream.launch(add, list(range(100_000)))
    for _ in range(5000):
        stream.launch(add, (1, 2))
    policy.synchronize()
    assert total.item() == sum(range(100_000)) + 5000 * 3
    assert len(policy.gpu_spans()) == 5001


@pytest.mark.parametrize("when", ["while it works", "while it is idle"])
def test_a_worker_that_was_killed_is_an_error_and_no_hang(policy, when):
    def forever():
        while True:
            pass

    nothing, work = policy.kernel(lambda: None), policy.kernel(forever)
    stream = policy.stream("forward")
    policy.start()
    stream.launch(nothing)
    policy.synchronize()
    if when == "while it works":
        stream.launch(work)
    os.kill(worker_pid(policy), signal.SIGKILL)
    for _ in range(20_000):  # more than the pipe holds
        stream.launch(nothing)
    for wait in (policy.synchronize, stream.record_event().synchronize, stream.record_event().query):
        with pytest.raises(DeviceWorkError, match=r"gone: it was killed by SIGKILL.*after 1 of \d+ launches.*new one"):
            wait()
    assert len(policy.gpu_spans()) == 1


def test_a_worker_that_leaves_says_with_which_status(policy):
    leave, stream = policy.kernel(lambda: os._exit(3)), policy.stream("forward")
    policy.start()
    stream.launch(leave)
    with pytest.raises(DeviceWorkError, match="gone: it ended with exit status 3, after 0 of 1 launches"):
        policy.synchronize()


def test_device_work_cannot_end_the_worker_by_sys_exit(policy):
    leave, stream = policy.kernel(lambda: sys.exit(3)), policy.stream("forward")
    policy.start()
    stream.launch(leave)
    with pytest.raises(DeviceWorkError, match="SystemExit: 3"):
        policy.synchronize()


def test_the_worker_drops_what_was_launched_behind_a_failure(policy):
    result = policy.host_tensor((1,), torch.int64)
    divide, stream = policy.kernel(lambda by: result.fill_(8 // by)), policy.stream("forward")
    policy.start()
    stream.launch(divide, 0)
    stream.launch(divide, 1)  # on its way before anybody knows
    while policy._device._num_done < 2:
        policy.gpu_spans()
    assert result.item() == 0


def test_closing_ends_the_worker_in_the_middle_of_its_work_and_leaves_no_zombie():
    def forever():
        while True:
            pass

    policy = new_policy("process")
    work, stream = policy.kernel(forever), policy.stream("forward")
    policy.start()
    stream.launch(work)
    pid = worker_pid(policy)
    policy.close()
    policy.close()
    assert is_gone(pid)


def test_a_policy_that_nobody_holds_takes_its_worker_along():
    policy = new_policy("process")
    policy.start()
    pid = worker_pid(policy)
    del policy
    gc.collect()
    assert is_gone(pid)


def test_closing_one_worker_does_not_wait_for_another_that_was_forked_later():
    with new_policy("process") as first, new_policy("process") as second:
        first.start()
        second.start()
        pid = worker_pid(first)
        first.close()
        assert is_gone(pid) and not is_gone(worker_pid(second))


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    """Run a program that owns a worker. It ends when nobody holds its stdout any more: neither it nor its worker."""
    head = """
    import os, signal, torch
    from mini_lib.graphs.policies import stream_policy
    policy = stream_policy("process")
    stream = policy.stream("forward")
    """
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(head) + textwrap.dedent(text)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("kernel", ["lambda: None", "lambda: [None for _ in iter(int, 1)]"])
def test_the_worker_does_not_survive_a_parent_that_was_killed(kernel):
    done = run_program(
        f"""
        kernel = policy.kernel({kernel})
        policy.start()
        stream.launch(kernel)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")


def test_a_parent_that_simply_ends_with_threads_output_and_ctrl_c_on_its_way():
    """Four things in one program, since each program waits seconds for torch: see its comments."""
    done = run_program(
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a program started in the background ignores Ctrl-C
        torch.set_num_threads(4)
        x = torch.randn(600, 600, dtype=torch.float64)
        expected = (x @ x).sum()  # the parent has a pool of threads now, which does not come along
        print("printed once, though the worker inherits what is buffered")
        result = policy.host_tensor((1,), torch.float64)
        compute = policy.kernel(lambda: print("the worker's own words", result.copy_((x @ x).sum()).shape))
        interrupt = policy.kernel(lambda: os.kill(os.getpid(), signal.SIGINT))  # as Ctrl-C in a terminal does
        policy.start()
        stream.launch(interrupt)
        stream.launch(compute)
        policy.synchronize()
        print(torch.allclose(result, expected))
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "printed once, though the worker inherits what is buffered",
        "the worker's own words torch.Size([1])",
        "True",
    ]


def test_a_system_that_cannot_fork_is_told_what_to_use(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(RuntimeError, match=r"cannot fork\. Use 'lazy' or 'inline'"):
        stream_policy("process")


def test_after_cuda_has_started_it_is_refused_also_when_that_happens_in_between(monkeypatch):
    with new_policy("process") as policy:
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        with pytest.raises(RuntimeError, match=r"does not survive a fork. Use 'cuda'"):
            policy.start()
    with pytest.raises(RuntimeError, match="begin a new Python process"):
        stream_policy("process")
