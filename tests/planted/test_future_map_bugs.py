"""Section A: wrong maps of symbolic tokens, and the tests of ours that notice them."""

from __future__ import annotations

from functools import partial

import pytest

from mini_lib.engine import FutureMap
from tests.engine import test_future_map as maps
from tests.engine import test_step as steps
from tests.planted.catching import Check, require_caught, row

ROWS = maps.MAX_NUM_SEQS
NEW_MAP = partial(FutureMap, ROWS, maps.DEVICE)
CHECKED_MAP = partial(FutureMap, ROWS, maps.DEVICE, debug=True)

IDS_BELOW_0 = Check(maps.test_every_id_is_strictly_negative_over_ten_thousand_reservations, (), NEW_MAP)
IN_ORDER = Check(maps.test_tokens_come_back_in_the_order_in_which_they_were_stashed, (ROWS,), NEW_MAP)
PASS_THROUGH = Check(maps.test_tokens_pass_through_whatever_their_number, (), NEW_MAP)
MIXED = Check(maps.test_only_symbolic_ids_of_a_mixed_batch_are_replaced, (), NEW_MAP)
NEW_TENSOR = Check(maps.test_resolving_gives_a_new_tensor_and_keeps_the_callers, (), NEW_MAP)
OWN_RESERVATION = Check(maps.test_a_token_goes_to_its_own_reservation_even_when_others_came_after_it, (), NEW_MAP)
NOBODY = Check(maps.test_no_requests_change_nothing, (), NEW_MAP)
TOO_MANY = Check(maps.test_more_requests_than_rows_are_refused)
SURVIVES = Check(maps.test_a_token_of_the_pool_survives_any_number_of_others)
SAME_ID = Check(maps.test_the_id_of_a_request_is_the_same_in_every_step)
NOT_PLAUSIBLE = Check(maps.test_an_unchecked_map_hands_out_no_plausible_token_where_nothing_was_stashed)
SECOND_READ = Check(maps.test_a_second_read_names_the_row, (), CHECKED_MAP)
REAL_ROWS = Check(steps.test_places_are_reserved_for_requests_and_not_for_padded_rows)

MAP = "engine.future_map"
INIT, RESERVE, RESOLVE, STASH = ((MAP, f"FutureMap.{name}") for name in ("__init__", "reserve", "resolve", "stash"))
CLAMPED, KEEP = "rows = (-input_ids).clamp(min=0)", "self._tokens[-ids] = tokens"
CHOOSE = "torch.where(input_ids < 0, self._tokens[rows], input_ids)"
A_RING = """first = getattr(self, "cursor", 0)
        self.cursor = (first + len(req_pool_indices)) % self.max_num_seqs
        places = first + torch.arange(len(req_pool_indices), device=req_pool_indices.device)
        return -(places % self.max_num_seqs) - 1"""

BUGS = [
    row("A1 the first place is 0", RESERVE, "return -req_pool_indices", "return 1 - req_pool_indices", IDS_BELOW_0),
    row("A2 token 0 is looked up", RESOLVE, "input_ids < 0, self", "input_ids <= 0, self", PASS_THROUGH),
    row("A3 all are looked up", RESOLVE, CHOOSE, "self._tokens[rows]", PASS_THROUGH),
    row("A3 no clamp", RESOLVE, CLAMPED, "rows = -input_ids", PASS_THROUGH),
    row("A4 stashed sorted", STASH, KEEP, "self._tokens[-ids] = tokens.sort().values", IN_ORDER),
    row("A4 one token for all", STASH, KEEP, "self._tokens[-ids] = tokens[:1]", IN_ORDER),
    row("A5 stashed by position", STASH, KEEP, "self._tokens[1 : 1 + len(ids)] = tokens", OWN_RESERVATION),
    row("A6 two requests share a place", RESERVE, "return -req_pool_indices",
        "return -req_pool_indices.clamp(max=self.max_num_seqs - 1)", IDS_BELOW_0),
    row("A7 an entry short", INIT, "(max_num_seqs + 1,)", "(max_num_seqs,)", IN_ORDER),
    row("A8 no limit", RESERVE, "self._require_room(len(req_pool_indices))", "pass", TOO_MANY),
    row("A9 fails for nobody", STASH, KEEP, f"assert (-ids).max() <= self.max_num_seqs; {KEEP}", NOBODY),
    row("A10 silently cut", RESERVE, "self._require_room(len(req_pool_indices))",
        "req_pool_indices = req_pool_indices[: self.max_num_seqs]", TOO_MANY),
    row("A12 symbolic ids move to the front", RESOLVE, CHOOSE,
        "torch.cat([self._tokens[rows[input_ids < 0]], input_ids[input_ids >= 0]])", MIXED),
    row("A13 in place", RESOLVE, CHOOSE, f"input_ids.copy_({CHOOSE})", NEW_TENSOR),
    row("A13 a view of the map", RESOLVE, CHOOSE, "self._tokens.narrow(0, int(rows[0]), 1)", NEW_TENSOR),
    row("A14 resolves to 32 bits", RESOLVE, CHOOSE, f"{CHOOSE}.int()", NEW_TENSOR),
    row("A15 empty places hold token 0", INIT, "torch.full((max_num_seqs + 1,), POISON,",
        "torch.zeros((max_num_seqs + 1,),", NOT_PLAUSIBLE),
    row("A15 not poisoned after a read", (MAP, "FutureMap._empty"), "self._tokens[rows] = POISON\n", "pass\n",
        SECOND_READ),
    row("A18 a ring", RESERVE, "return -req_pool_indices", A_RING, SURVIVES),
    row("A20 reserves for padded rows", ("engine.device_step", "DeviceStep.run"), 'reserve(requests["rows"])',
        'reserve(self.requests["rows"])[: plan.num_requests]', REAL_ROWS),
    row("A21 another row in each step", RESERVE, "return -req_pool_indices",
        "self.turn = getattr(self, 'turn', 0) + 1\n"
        "        return -((req_pool_indices + self.turn) % self.max_num_seqs) - 1", SAME_ID),
]  # fmt: skip


@pytest.mark.parametrize(("bug", "check"), BUGS, ids=lambda one: getattr(one, "id", ""))
def test_a_wrong_map_is_caught(bug, check):
    require_caught(bug, check)
