"""Steps that differ by nothing but everybody's position, made in one tight loop.

The additions are those of `TimedScheduler`, `SimDevice` and `SimRunner`, in their order, on local variables: a step
takes a microsecond or two however many requests are in it.
"""

from __future__ import annotations

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.sim.fast_forward.state import LeapState, Step
from mini_lib.sim.kernel_cost import StepShape
from mini_lib.sim.runner_device import InFlight, Plan


def make_alike_steps(state: LeapState, mode: CUDAGraphMode, padded: int, num_steps: int) -> bool:
    """Make up to `num_steps` steps in which everybody decodes, until the first who waits arrives.

    Returns False where it makes none, because a launch might find the queue full.
    """
    device = state.runner.device
    plan = device.pricer.plan(mode, padded, len(state.rows))
    can = device.never_waits(plan) and not device.might_wait(plan)
    return can and _make(state, mode, padded, plan, num_steps)


def _make(state: LeapState, mode: CUDAGraphMode, padded: int, plan: Plan, num_steps: int) -> bool:
    device, num_rows, overlaps, wake_us = state.runner.device, len(state.rows), state.overlaps, state.wake_us
    now_us, free_us, copied_us, busy_us = state.time.us, device.free_us, device.copies_free_us, device.busy_us
    half_us, sync_us = state.scheduler.half_us(num_rows), device.profile.launch.sync_us
    copying_us, launch_us, gap_us = device.copies.launch_us, plan.launch_us, device.copies.gap_us
    times_us, copies_done_us, emitted = plan.times_us, device.copies.done_us, state.scheduler.emissions.times_us.append
    made, kv_tokens = 0, state.rows.kv_tokens
    while made < num_steps and now_us < wake_us:
        made += 1
        kv_tokens += num_rows
        start_us, before_us = now_us + half_us, (free_us, copied_us)  # schedule
        gpu_us, behind_us, kernels_us = times_us(kv_tokens, kv_tokens)
        copied_us = copies_done_us(start_us, free_us, copied_us)
        forward_us, held_us = start_us + copying_us, copied_us - gap_us
        idle_us, queued_us = forward_us + behind_us, held_us + gpu_us
        free_us = idle_us if idle_us > queued_us else queued_us
        busy_us += kernels_us
        now_us = forward_us + launch_us
        done_us = before_us[0] if overlaps else free_us
        now_us = (done_us if done_us > now_us else now_us) + sync_us  # wait
        now_us += half_us  # process
        emitted(now_us)
    if made:
        state.time.us, device.free_us, device.copies_free_us, device.busy_us = now_us, free_us, copied_us, busy_us
        state.rows.advance(made)
        state.scheduler.skip_steps(made)
        step, shape = state.scheduler.num_steps - 1, StepShape(padded, num_rows, kv_tokens, kv_tokens)
        device.note(InFlight(step, mode, shape, start_us, *before_us, device.num_launches(plan), free_us, False))
        state.in_flight = Step(step, num_rows, free_us) if overlaps else None
    return made > 0
