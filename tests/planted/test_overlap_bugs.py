"""Sections B to D: wrong loops, schedulers and runners, and the tests of ours that notice them.

More of them are planted in tests/scheduling/test_planted_bugs.py, where five families of workloads look for each, and
in tests/engine/test_planted_bugs.py, where tokens and three adversarial devices do.
"""

from __future__ import annotations

import pytest

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling import event_loop_overlap
from tests.engine import test_overlap as overlap
from tests.engine import test_seams as seams
from tests.engine import test_step as steps
from tests.planted.catching import Check, require_caught, row
from tests.scheduling import test_event_loops as loops
from tests.scheduling import test_scheduler as by_hand

FLUSHES = Check(loops.test_the_overlap_loop_processes_each_step_under_the_next_and_flushes_the_last)
WAITS_WHEN_IDLE = Check(loops.test_an_idle_loop_waits_for_the_next_arrival_once_nothing_is_in_flight,
                        (event_loop_overlap,))  # fmt: skip
YIELDS_ONCE = Check(loops.test_every_step_yields_once, (event_loop_overlap,))
OVERSHOOT = Check(by_hand.test_what_was_launched_beyond_a_stop_is_dropped_and_its_kv_is_freed_once)
IN_LAUNCH_ORDER = Check(by_hand.test_results_are_processed_once_and_in_launch_order)
ANY_BLOCK = Check(by_hand.test_the_block_of_an_overshoot_is_freed_once_wherever_it_lies_in_the_block, (3,))
ONE_TOKEN = Check(by_hand.test_one_new_token_takes_one_step)
RETRACTED = Check(by_hand.test_the_pending_token_of_a_retracted_request_is_dropped_even_if_it_is_the_stop_token,
                  (by_hand.STOP,))  # fmt: skip
PIECES = Check(by_hand.test_a_prompt_of_one_token_and_a_last_piece_of_one_token_are_no_decodes)
LAUNCHED_FIRST = Check(overlap.test_every_step_is_launched_before_the_step_before_it_is_processed, ("inline",))
LAZIEST = Check(overlap.test_on_the_laziest_gpu_a_step_is_computed_after_the_step_before_it_was_processed)
READS_NOTHING = Check(overlap.test_a_launch_reads_nothing_back, ("inline", event_loop_overlap))
OWN_STREAMS = Check(steps.test_batches_and_steps_go_to_streams_of_their_own, ("lazy",))
NOTHING_LEFT = Check(steps.test_a_step_leaves_no_tensor_behind, (CUDAGraphMode.FULL_AND_PIECEWISE,))
LAZY_TOKENS = Check(seams.test_an_event_loop_may_be_a_plain_function, ("lazy",))

LOOP = ("scheduling.event_loops", "event_loop_overlap")
TAKE_IN, STATUS, CHECKS = (
    ("scheduling.scheduler", f"Scheduler.{name}") for name in ("_take_in", "_status_after", "_check_result")
)
REQUEST, RUNNER = "scheduling.requests", "engine.runner"
EXECUTE, KEEP = (RUNNER, "ModelRunner.execute_model"), "self._in_flight[place] = output"
STEP = "engine.device_step"
SCHEDULE = "batch = scheduler.schedule()"
DONE = "self._inputs_read = done = self._forward.record_event()"
PROCESS_FIRST = f"""if in_flight:
            yield scheduler.update_from_output(in_flight[0], in_flight[1].wait())
            in_flight = None
            if not scheduler.has_unfinished():
                return
        {SCHEDULE}"""

BUGS = [
    row("A21 a request gets row 0", ("scheduling.free_list", "FreeList.__init__"), "range(count, 0, -1)",
        "range(count - 1, -1, -1)", FLUSHES),
    row("B3 finished one token early", STATUS, "request.num_output_tokens == request",
        "request.num_output_tokens + request.num_in_flight >= request", FLUSHES),
    row("B3 finished twice", TAKE_IN, " and not request.status.is_finished", "", OVERSHOOT),
    row("B6 no flush", LOOP, SCHEDULE, f"{SCHEDULE}\n        if batch is None:\n            return", FLUSHES),
    row("B7 any order", CHECKS, "next(iter(self._launched), None)", "batch.step", IN_LAUNCH_ORDER),
    row("B11 the last block once more", ("scheduling.request_pool", "RequestPool._release"),
        "give_back(request.block_ids)", "give_back(request.block_ids + request.block_ids[-1:])", ANY_BLOCK),
    row("B13 a former life counts", TAKE_IN, "request.num_retractions == launched.num_retractions and ", "", RETRACTED),
    row("B14 every piece samples", (REQUEST, "Request.launch"), "samples = end == self.num_tokens", "samples = True",
        PIECES),
    row("A16 tokens in another order than requests", ("engine.staging", "StagingSet._token_inputs"),
        "yield [token for request in requests", "yield [token for request in reversed(requests)", LAZY_TOKENS),
    row("B15 resolve skipped where a prompt rides along", (STEP, "DeviceStep.run"),
        "self.resolve(plan.descriptor.num_tokens)",
        "plan.num_tokens > plan.num_requests or self.resolve(plan.descriptor.num_tokens)", LAZY_TOKENS),
    row("B16 one step too many", (REQUEST, "Request.is_complete"), ">= self.max_new", "> self.max_new", ONE_TOKEN),
    row("B21 a prefill's result is skipped", LOOP, "if in_flight:", "if in_flight and in_flight[0].uniform_decode:",
        YIELDS_ONCE),
    row("B22 idle while a step is in flight", LOOP, "if in_flight:",
        "if not launched:\n            scheduler.wait_for_arrival()\n        if in_flight:", WAITS_WHEN_IDLE),
    row("C1 processes first", LOOP, SCHEDULE, PROCESS_FIRST, LAUNCHED_FIRST),
    row("C2 waits in launch", EXECUTE, KEEP, f"{KEEP}\n        output.wait()", LAZIEST),
    row("C2 waits for the device", EXECUTE, KEEP, f"{KEEP}\n        self.policy.synchronize()", LAZIEST),
    row("C2 one event for all steps", EXECUTE, DONE, DONE.replace("()", "(self._inputs_read)"), LAZIEST),
    row("C3 waits for all streams", EXECUTE, "self._staging[place], done)", "self._staging[place], self.policy)",
        LAZIEST),
    row("C4 reads its ids", (STEP, "DeviceStep.resolve"), 'input_ids = tokens["input_ids"]',
        'input_ids = tokens["input_ids"]\n        self.seen = input_ids.tolist()', READS_NOTHING),
    row("C6 one stream", (RUNNER, "ModelRunner.__init__"), 'policy.stream("schedule"), policy.stream("forward")',
        '[policy.stream("forward")] * 2', OWN_STREAMS),
    row("D6 one staging set", (RUNNER, "ModelRunner._free_staging"), "% len(self._staging)", "% 1", LAZIEST),
    row("D9 a result keeps its tensors", (STEP, "DeviceStep.run"), "self.future_map.stash(ids, tokens)",
        "self.future_map.stash(ids, tokens)\n"
        "            self.__dict__.setdefault('kept', []).append(tokens)", NOTHING_LEFT),
    row("E22 replays on the other stream", EXECUTE, "self._forward.launch(self._run",
        "self._schedule.launch(self._run", LAZY_TOKENS),
]  # fmt: skip


@pytest.mark.parametrize(("bug", "check"), BUGS, ids=lambda one: getattr(one, "id", ""))
def test_a_wrong_loop_or_runner_is_caught(bug, check):
    require_caught(bug, check)
