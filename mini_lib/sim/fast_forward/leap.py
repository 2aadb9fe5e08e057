"""One leap: many steps of a loop, made with sums in place of requests.

Three kinds of step: plain ones, in which everybody decodes; the last plain one, after which somebody is complete; and
those with pieces of prompts. What a step asks of the GPU follows from the number of rows and the sum of their
positions; when it is over, from the price of that and from when CPU and GPU are free.
"""

from __future__ import annotations

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.scheduling.batch import ScheduledRequest
from mini_lib.scheduling.request_pool import by_arrival
from mini_lib.scheduling.requests import Request, RequestStatus
from mini_lib.sim.fast_forward.alike import make_alike_steps
from mini_lib.sim.fast_forward.state import InFlight, LeapState, Step
from mini_lib.sim.kernel_cost import StepShape

Shares = list[tuple[Request, int]]  # whose prompt brings how many tokens


class Leap(LeapState):
    """Makes steps of one of the two loops, from one state of a scheduler to another."""

    def run(self, in_flight: InFlight | None) -> InFlight | None:
        """Make steps until something comes that a leap does not understand; return what is in flight then."""
        if not self.enter(in_flight):
            return in_flight
        num_steps = self.scheduler.num_steps
        while self._advance():
            pass
        return in_flight if self.scheduler.num_steps == num_steps else self.leave()

    def _advance(self) -> bool:
        """Make a step or many; False where the next one is for the scheduler, and then nothing has changed."""
        if self.ingesting or self.time.us >= self.wake_us:
            return self.takes_prompts and self._step_with_prompts()
        if not len(self.rows):
            return False
        num_steps = min(self.rows.steps_left(), self.stops_at - self.rows.steps)
        num_steps = self.rows.affordable(num_steps)
        if num_steps > 0:
            self._decode(num_steps)
        return num_steps > 0

    def _decode(self, num_steps: int) -> None:
        """Make up to `num_steps` steps in which everybody decodes, until somebody arrives; at their end some leave."""
        num_rows, first = len(self.rows), self.rows.steps
        mode, padded = self.runner.dispatch(num_rows, True)
        end = first + num_steps
        while self.rows.steps < end and (self.rows.steps == first or self.time.us < self.wake_us):
            if self.is_plain and make_alike_steps(self, mode, padded, end - self.rows.steps):
                continue
            self.rows.advance(1)
            shape = StepShape(padded, num_rows, self.rows.kv_tokens, self.rows.kv_tokens)
            done_us = self._launch(mode, shape, num_rows)
            self._launched(Step(self.scheduler.num_steps - 1, num_rows, done_us, (), self.entered))
        self.runner.count(mode, num_rows, padded, self.rows.steps - first)
        self.rows.take_blocks()
        if self.rows.steps == end and (complete := tuple(self.rows.leave())):
            if self.in_flight:  # their last token is in it
                self.in_flight = self.in_flight._replace(complete=complete)
            else:
                self._finish(complete)

    def _step_with_prompts(self) -> bool:
        """Make a step with pieces of prompts, of those who ingest and of those who are let in now."""
        if self.time.us >= self.wake_us and self.pool.waiting[0].num_retractions:
            return False
        shares = self._pieces_of_prompts()
        if shares is None:
            return False
        self._let_in(shares)
        if not (len(self.rows) or shares):
            return False
        num_rows, brought = len(self.rows), tuple((request, request.launch(piece)) for request, piece in shares)
        self.rows.advance(1)
        shape = self._shape(num_rows, [one for _, one in brought])
        mode, padded = self.runner.dispatch(shape.num_tokens, not shares)
        self.runner.count(mode, shape.num_tokens, padded)
        done_us = self._launch(mode, shape._replace(num_tokens=padded), shape.num_requests)
        self._launched(self._step_of(shape.num_requests, done_us, brought, emits=num_rows > 0))
        return True

    def _pieces_of_prompts(self) -> Shares | None:
        """Take the blocks of a step for everybody who runs; return what ingests. None: not enough blocks are free."""
        budget = self.config.max_num_batched_tokens - len(self.rows)
        takers, shares = self.rows.takers(), []
        for request in self.ingesting:
            left = request.num_prefill_tokens - request.num_computed_tokens
            piece = min(left, self.config.chunk_tokens, budget)
            budget -= piece
            if piece:
                num_blocks = self.config.blocks_for(request.num_computed_tokens + piece) - len(request.block_ids)
                takers.append((request.arrival_us, request.request_id, num_blocks, request))
                shares.append((request, piece))
        if sum(num_blocks for _, _, num_blocks, _ in takers) > len(self.pool.blocks):
            return None
        for _, _, num_blocks, request in sorted(takers):
            request.block_ids += self.pool.blocks.take(num_blocks)
        self.rows.took_blocks()
        return shares

    def _let_in(self, shares: Shares) -> None:
        """Add those to `shares` who arrived and fit."""
        budget = self.config.max_num_batched_tokens - len(self.rows) - sum(piece for _, piece in shares)
        while budget and (request := self.pool.admit(self.time.us)):
            piece = min(request.num_prefill_tokens, self.config.chunk_tokens, budget)
            budget -= piece
            self.pool.grow(request, piece)
            self.ingesting.append(request)
            shares.append((request, piece))
        self.look_at_waiting()

    def _shape(self, num_rows: int, prompts: list[ScheduledRequest]) -> StepShape:
        """Return the shape of a step with `prompts`, not padded."""
        num_tokens, attended, kv_tokens = num_rows, self.rows.kv_tokens, self.rows.kv_tokens
        for one in prompts:
            count = len(one.token_ids)
            num_tokens += count
            kv_tokens += one.start + count
            attended += count * one.start + count * (count + 1) // 2
        return StepShape(num_tokens, num_rows + len(prompts), attended, kv_tokens)

    def _step_of(
        self, num_requests: int, done_us: float, brought: tuple[tuple[Request, ScheduledRequest], ...], *, emits: bool
    ) -> Step:
        """Return the step just launched. Who is complete leaves the rows, and whose prompt is in joins them."""
        complete = self.rows.leave()
        sampled = tuple(request for request, one in brought if one.samples)
        for request in sampled:
            self.ingesting.remove(request)
            if request.is_complete:
                complete.append(request)
            else:
                self.join(request)
        first_seen, gone = (*self.entered, *sampled), tuple(sorted(complete, key=by_arrival))
        return Step(
            self.scheduler.num_steps - 1, num_requests, done_us, brought, first_seen, gone, emits or bool(sampled)
        )

    def _launch(self, mode: CUDAGraphMode, shape: StepShape, num_requests: int) -> float:
        """Schedule and launch a step; return when the GPU will be done with it."""
        self.time.us += self.scheduler.half_us(num_requests)
        step = self.scheduler.num_steps
        self.scheduler.skip_steps(1)
        return self.runner.device.launch(step, mode, shape)

    def _launched(self, step: Step) -> None:
        """Take in the step before, where the loop overlaps, or this one."""
        self.entered = ()
        before, self.in_flight = (self.in_flight, step) if self.overlaps else (step, None)
        if before:
            self._take_in(before)

    def _take_in(self, step: Step) -> None:
        """Wait for `step`; its tokens are there, and whoever got his last one is gone."""
        self.runner.wait_until_done(step.number, step.done_us)
        self.time.us += self.scheduler.half_us(step.num_requests)
        if step.emits:
            self.scheduler.emissions.extend((self.time.us,), [request.request_id for request in step.first_seen])
        if step.complete:
            self._finish(step.complete)

    def _finish(self, complete: tuple[Request, ...]) -> None:
        """Let those go whose last token was taken in."""
        self.rows.take_blocks()  # before theirs come free: in this order the scheduler does it
        for request in complete:
            self.write_down(request, num_in_flight=0)
            request.reads_future = self.overlaps  # as schedule() left it when the next step was made
            self.pool.finish(request, RequestStatus.FINISHED_LENGTH)
        self.look_at_waiting()
