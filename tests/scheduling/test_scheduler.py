"""The scheduler by hand, one step at a time: the cases that a random workload meets too seldom."""

from __future__ import annotations

import pytest

from mini_lib.scheduling import FUTURE_TOKEN, NewToken, RequestStatus, Scheduler, SchedulerConfig, SchedulerOutput
from mini_lib.timing import VirtualClock

STOP = 9
LIMITS = {
    "max_num_seqs": 3, "max_num_batched_tokens": 8, "block_size": 2, "num_blocks": 9, "max_model_len": 16,
    "stop_token_id": STOP,
}  # fmt: skip


def scheduler_with(**limits: object) -> Scheduler:
    return Scheduler(SchedulerConfig(**{**LIMITS, **limits}), VirtualClock())


def schedule(scheduler: Scheduler) -> SchedulerOutput:
    batch = scheduler.schedule()
    assert batch is not None
    return batch


def assert_all_is_free(scheduler: Scheduler) -> None:
    assert scheduler.free_rows == scheduler.config.max_num_seqs
    assert scheduler.free_blocks == scheduler.config.usable_blocks


def shape(batch: SchedulerOutput) -> list[tuple[int, int, int]]:
    """Return (request id, start, number of tokens) of each request."""
    return [(one.request_id, one.start, len(one.token_ids)) for one in batch.requests]


# --- what a batch holds


def test_pieces_of_a_prompt_ride_with_decodes_in_the_mixed_policy():
    scheduler = scheduler_with(max_chunk_tokens=3)
    scheduler.add_request([1, 2], 4)
    scheduler.update_from_output(schedule(scheduler), [5])
    scheduler.add_request([3] * 7, 1)
    batch = schedule(scheduler)
    assert shape(batch) == [(0, 2, 1), (1, 0, 3)]
    assert [one.samples for one in batch.requests] == [True, False]
    assert not batch.uniform_decode
    assert scheduler.update_from_output(batch, [6, 7]) == [NewToken(0, 6, None)], "a piece of a prompt emits nothing"


def test_prompts_go_first_and_alone_in_the_other_policy():
    scheduler = scheduler_with(max_chunk_tokens=3, policy="prefill_first")
    scheduler.add_request([1, 2], 4)
    scheduler.update_from_output(schedule(scheduler), [5])
    scheduler.add_request([3] * 7, 1)
    shapes = []
    for _ in range(4):
        batch = schedule(scheduler)
        shapes.append((shape(batch), batch.uniform_decode))
        scheduler.update_from_output(batch, [6] * len(batch.requests))
    assert shapes == [([(1, 0, 3)], False), ([(1, 3, 3)], False), ([(1, 6, 1)], False), ([(0, 2, 1)], True)]


def test_a_decode_that_let_prompts_go_first_still_reads_its_token_on_the_device():
    scheduler = scheduler_with(max_chunk_tokens=1, policy="prefill_first")
    scheduler.add_request([1], 4)
    before = schedule(scheduler)
    scheduler.add_request([3] * 3, 1)
    for _ in range(3):
        batch = schedule(scheduler)
        scheduler.update_from_output(before, [5])
        before = batch
    decode = schedule(scheduler)
    assert scheduler.requests[0].output_token_ids == [5], "the CPU has known it for long"
    assert decode.requests[0].token_ids == (FUTURE_TOKEN,)


def test_a_token_that_was_known_in_time_is_handed_over():
    scheduler = scheduler_with(max_chunk_tokens=1, policy="prefill_first")
    scheduler.add_request([1], 4)
    scheduler.update_from_output(schedule(scheduler), [5])
    assert schedule(scheduler).requests[0].token_ids == (5,)


def test_a_prompt_of_one_token_and_a_last_piece_of_one_token_are_no_decodes():
    scheduler = scheduler_with(max_chunk_tokens=1)
    scheduler.add_request([1, 2], 2)
    batches = [schedule(scheduler) for _ in range(3)]
    assert [len(batch.requests[0].token_ids) for batch in batches] == [1, 1, 1]
    assert [batch.uniform_decode for batch in batches] == [False, False, True]
    assert [batch.requests[0].samples for batch in batches] == [False, True, True]


def test_every_decode_has_its_token_however_long_an_older_prompt_is():
    scheduler = scheduler_with(max_num_batched_tokens=4, max_num_seqs=3, max_chunk_tokens=2, num_blocks=20)
    scheduler.add_request([1] * 12, 2)
    scheduler.add_request([2], 4)
    scheduler.add_request([3], 4)
    scheduler.update_from_output(schedule(scheduler), [5, 6, 7])
    assert shape(schedule(scheduler)) == [(0, 2, 2), (1, 1, 1), (2, 1, 1)]


def test_a_batch_is_a_snapshot():
    scheduler = scheduler_with()
    request = scheduler.add_request([1, 2], 4)
    first = schedule(scheduler)
    before = repr(first)
    schedule(scheduler)
    scheduler.update_from_output(first, [5])
    scheduler.abort(request.request_id)
    assert repr(first) == before


# --- how requests end


def test_one_new_token_takes_one_step():
    scheduler = scheduler_with()
    scheduler.add_request([1, 2], 1)
    batch = schedule(scheduler)
    assert scheduler.schedule() is None, "its only token is in flight"
    assert scheduler.update_from_output(batch, [5]) == [NewToken(0, 5, "length")]
    assert_all_is_free(scheduler)


def test_no_new_tokens_are_no_steps():
    scheduler = scheduler_with()
    request = scheduler.add_request([1, 2], 0)
    assert request.status is RequestStatus.FINISHED_LENGTH and request.output_token_ids == []
    assert not scheduler.has_unfinished() and scheduler.schedule() is None


def test_what_was_launched_beyond_a_stop_is_dropped_and_its_kv_is_freed_once():
    scheduler = scheduler_with()
    scheduler.add_request([1, 2], 9)
    first = schedule(scheduler)
    overshoot = schedule(scheduler)
    assert overshoot.requests[0].token_ids == (FUTURE_TOKEN,)
    assert scheduler.update_from_output(first, [STOP]) == [NewToken(0, STOP, "stop")]
    assert_all_is_free(scheduler)
    assert scheduler.schedule() is None and not scheduler.has_unfinished()
    assert scheduler.update_from_output(overshoot, [4]) == []
    assert_all_is_free(scheduler)
    assert scheduler.requests[0].output_token_ids == [STOP]


@pytest.mark.parametrize("prompt_length", range(1, 6))
def test_the_block_of_an_overshoot_is_freed_once_wherever_it_lies_in_the_block(prompt_length):
    scheduler = scheduler_with(block_size=3)
    scheduler.add_request([1] * prompt_length, 9)
    first, overshoot = schedule(scheduler), schedule(scheduler)
    scheduler.add_request([2] * 4, 3)  # takes over row and blocks while the overshoot is in flight
    scheduler.update_from_output(first, [STOP])
    taken_over = schedule(scheduler)
    assert set(taken_over.requests[0].block_ids) & set(overshoot.requests[0].block_ids)
    assert scheduler.update_from_output(overshoot, [4]) == []
    scheduler.update_from_output(taken_over, [STOP])
    assert_all_is_free(scheduler)


def test_the_stop_token_wins_over_the_length():
    scheduler = scheduler_with()
    scheduler.add_request([1], 1)
    assert scheduler.update_from_output(schedule(scheduler), [STOP]) == [NewToken(0, STOP, "stop")]


@pytest.mark.parametrize("when", ["waiting", "in flight", "processed"])
def test_an_abort_frees_once_and_nothing_more_is_emitted(when):
    scheduler = scheduler_with()
    scheduler.add_request([1, 2, 3], 5)
    in_flight = []
    if when != "waiting":
        in_flight = [schedule(scheduler), schedule(scheduler)]
    if when == "processed":
        assert scheduler.update_from_output(in_flight.pop(0), [5]) == [NewToken(0, 5, None)]
    for _ in range(2):
        scheduler.abort(0)
        assert_all_is_free(scheduler)
    assert not scheduler.has_unfinished() and scheduler.schedule() is None
    assert [scheduler.update_from_output(batch, [6]) for batch in in_flight] == [[]] * len(in_flight)
    assert_all_is_free(scheduler)
    assert scheduler.requests[0].status is RequestStatus.FINISHED_ABORTED


# --- retraction


def two_requests_on_four_blocks(**limits: object) -> tuple[Scheduler, SchedulerOutput, SchedulerOutput]:
    """Return a scheduler that has just retracted request 1, with its pending token in the first batch."""
    scheduler = scheduler_with(block_size=1, num_blocks=5, max_model_len=6, **limits)
    scheduler.add_request([1], 4)
    scheduler.add_request([2], 4)
    scheduler.update_from_output(schedule(scheduler), [5, 6])
    pending = schedule(scheduler)  # both own two blocks now
    assert shape(pending) == [(0, 1, 1), (1, 1, 1)]
    after = schedule(scheduler)
    assert shape(after) == [(0, 2, 1)]
    assert scheduler.requests[1].status is RequestStatus.RETRACTED
    return scheduler, pending, after


@pytest.mark.parametrize("token", [7, STOP])
def test_the_pending_token_of_a_retracted_request_is_dropped_even_if_it_is_the_stop_token(token):
    scheduler, pending, after = two_requests_on_four_blocks()
    assert scheduler.update_from_output(pending, [7, token]) == [NewToken(0, 7, None)]
    request = scheduler.requests[1]
    assert request.status is RequestStatus.RETRACTED and request.output_token_ids == [6]
    assert (request.row, request.block_ids) == (0, [])
    assert scheduler.update_from_output(after, [STOP]) == [NewToken(0, STOP, "stop")]
    again = schedule(scheduler)
    assert again.requests[0].token_ids == (2, 6) and not again.uniform_decode
    assert scheduler.update_from_output(again, [token])[0].token_id == token, "sampled again, from the same tokens"


def test_a_request_that_is_retracted_and_aborted_is_freed_once():
    scheduler, pending, after = two_requests_on_four_blocks()
    scheduler.abort(1)
    scheduler.update_from_output(pending, [7, 7])
    scheduler.update_from_output(after, [STOP])
    assert not scheduler.has_unfinished()
    assert_all_is_free(scheduler)


def test_the_latest_arrival_is_retracted_whatever_its_id():
    scheduler = scheduler_with(block_size=1, num_blocks=5, max_model_len=6)
    scheduler.add_request([1], 4, arrival_us=0.0)
    scheduler.add_request([2], 4, arrival_us=-1.0)
    for _ in range(3):
        schedule(scheduler)
    assert scheduler.requests[0].status is RequestStatus.RETRACTED
    assert scheduler.requests[1].status is RequestStatus.RUNNING


def test_a_request_waits_for_blocks_that_are_about_to_come_free_instead_of_giving_up_its_own():
    scheduler = scheduler_with(block_size=1, num_blocks=6, max_model_len=6)
    scheduler.add_request([1, 1], 2)
    scheduler.add_request([2], 4)
    in_flight = [schedule(scheduler), schedule(scheduler)]
    assert scheduler.free_blocks == 0
    assert scheduler.schedule() is None
    assert scheduler.requests[1].status is RequestStatus.RUNNING
    for batch in in_flight:
        scheduler.update_from_output(batch, [5, 6])
    assert shape(schedule(scheduler)) == [(1, 2, 1)]


@pytest.mark.parametrize(("num_blocks", "is_let_in"), [(7, False), (8, True)])
def test_a_request_is_let_in_when_its_tokens_and_one_new_one_fit(num_blocks, is_let_in):
    scheduler = scheduler_with(block_size=1, num_blocks=num_blocks, max_model_len=6)
    scheduler.add_request([1] * 3, 3)
    schedule(scheduler)
    scheduler.add_request([2] * 2, 3)
    schedule(scheduler)  # the first takes its fourth block; then 2 or 3 are left
    assert (scheduler.requests[1].status is RequestStatus.RUNNING) is is_let_in


def test_nobody_newer_is_let_in_while_somebody_waits_for_blocks():
    scheduler = scheduler_with(block_size=1, num_blocks=8, max_chunk_tokens=2)
    scheduler.add_request([1], 2)
    scheduler.add_request([2] * 6, 1)
    in_flight = [schedule(scheduler), schedule(scheduler)]
    assert [shape(batch) for batch in in_flight] == [[(0, 0, 1), (1, 0, 2)], [(0, 1, 1), (1, 2, 2)]]
    scheduler.add_request([3], 1)
    assert scheduler.free_blocks == 1
    assert scheduler.schedule() is None, "request 2 would fit, and request 1 would have to wait for it"
    for batch in in_flight:
        scheduler.update_from_output(batch, [5, 6])
    assert shape(schedule(scheduler)) == [(1, 4, 2), (2, 0, 1)]


# --- errors that teach, and loops that never spin


@pytest.mark.parametrize(
    ("prompt", "new", "message"),
    [
        ([], 3, "empty prompt"),
        ([1, -1], 3, "token -1 in its prompt"),
        ([1], -1, "asks for -1 new tokens"),
        ([1] * 10, 7, "together 17, and the context holds 16"),
    ],
)
def test_bad_requests_are_refused_with_their_numbers(prompt, new, message):
    scheduler = scheduler_with()
    with pytest.raises(ValueError, match=message):
        scheduler.add_request(prompt, new)
    assert not scheduler.requests and not scheduler.has_unfinished()


def test_a_request_that_can_never_fit_is_refused_when_it_is_added():
    scheduler = scheduler_with(num_blocks=4)
    with pytest.raises(ValueError, match="needs up to 4 KV blocks of 2 tokens, and there are 3"):
        scheduler.add_request([1] * 5, 3)
    scheduler.add_request([1] * 4, 3)  # 6 entries: nobody reads that of the last token


def test_an_id_is_used_once():
    scheduler = scheduler_with()
    scheduler.add_request([1], 1, request_id=1)
    with pytest.raises(ValueError, match="request 1 was added before"):
        scheduler.add_request([2], 1, request_id=1)
    assert scheduler.add_request([2], 1).request_id not in (1,)
    with pytest.raises(ValueError, match="no request 77"):
        scheduler.abort(77)


def test_more_requests_than_rows_wait_for_their_turn():
    scheduler = scheduler_with(max_num_seqs=2)
    for number in range(4):
        scheduler.add_request([number], 1)
    batch = schedule(scheduler)
    assert [one.request_id for one in batch.requests] == [0, 1]
    scheduler.update_from_output(batch, [5, 5])
    assert [one.request_id for one in schedule(scheduler).requests] == [2, 3]


def test_results_are_processed_once_and_in_launch_order():
    scheduler = scheduler_with()
    scheduler.add_request([1], 9)
    first, second = schedule(scheduler), schedule(scheduler)
    with pytest.raises(ValueError, match="the oldest in flight is batch 0"):
        scheduler.update_from_output(second, [5])
    with pytest.raises(ValueError, match="has 1 requests, and 2 tokens came back"):
        scheduler.update_from_output(first, [5, 0])
    scheduler.update_from_output(first, [5])
    scheduler.update_from_output(second, [5])
    with pytest.raises(ValueError, match="nothing is in flight"):
        scheduler.update_from_output(second, [5])


def test_waiting_for_nobody_is_refused_instead_of_spinning():
    scheduler = scheduler_with()
    with pytest.raises(RuntimeError, match="nobody is about to arrive"):
        scheduler.wait_for_arrival()
    scheduler.add_request([1], 1)
    batch = schedule(scheduler)
    assert scheduler.schedule() is None
    with pytest.raises(RuntimeError, match=r"batches \[0\] are in flight"):
        scheduler.wait_for_arrival()
    scheduler.update_from_output(batch, [5])


def test_waiting_for_time_where_time_is_not_missing_is_refused():
    scheduler = scheduler_with(max_num_seqs=1)
    scheduler.add_request([1], 2)
    scheduler.add_request([1], 2)
    scheduler.update_from_output(schedule(scheduler), [5])
    with pytest.raises(RuntimeError, match="request 1 has arrived and nothing is in flight"):
        scheduler.wait_for_arrival()


def test_nobody_runs_before_he_arrives():
    scheduler = scheduler_with()
    scheduler.add_request([1], 1, arrival_us=50.0)
    scheduler.add_request([2], 1, arrival_us=20.0)
    assert scheduler.schedule() is None
    scheduler.wait_for_arrival()
    assert [one.request_id for one in schedule(scheduler).requests] == [1]


def test_waiting_may_come_before_the_first_look():
    scheduler = scheduler_with()
    scheduler.add_request([1], 1, arrival_us=50.0)
    scheduler.wait_for_arrival()
    assert schedule(scheduler).requests[0].request_id == 0


def test_somebody_who_arrives_between_looking_and_waiting_is_no_error():
    clock = VirtualClock()
    scheduler = Scheduler(SchedulerConfig(**LIMITS), clock)
    scheduler.add_request([1], 1, arrival_us=5.0)
    assert scheduler.schedule() is None
    clock.advance_us(10.0)
    scheduler.wait_for_arrival()
    assert clock.now_us() == 10.0
    assert scheduler.schedule() is not None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_num_seqs": 0}, "max_num_seqs is 0"),
        ({"max_chunk_tokens": 0}, "max_chunk_tokens is 0"),
        ({"num_blocks": 1}, "block 0 is the null block"),
        ({"max_num_batched_tokens": 2}, "cannot decode 3 requests"),
        ({"policy": "fair"}, "policy is 'fair'"),
    ],
)
def test_limits_with_which_nothing_could_run_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        scheduler_with(**limits)
