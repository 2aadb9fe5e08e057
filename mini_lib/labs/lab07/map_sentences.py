"""What is said about faults that both maps of lab 7 can have: ids, real tokens, memory, and waiting for the device."""

from __future__ import annotations

from mini_lib.labs.lab07.findings import fault_of, wrong_idea
from mini_lib.learn import Misconception, Outcome

_SYMBOL, _LEFT_ALONE, _OWN = "A negative number is a promise", "Everything else stays", "Whose memory"
_DEVICE, _WHERE = "Stay on the device", "The ids know where"
_HAND_OUT, _ROUND, _TWO, _WIDE, _NOBODY = range(5)  # cases that both exercises begin with


def _nobody(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell a map that can hand out, but not to nobody."""
    return "raises" in fault_of(outcomes[_NOBODY]) and not fault_of(outcomes[_ROUND])


def _more_tokens_than_places(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell a `stash` that fails only where another batch was reserved since, and not on every batch."""
    return fault_of(outcomes[_TWO]) == "stash raises RuntimeError" and not fault_of(outcomes[_ROUND])


SHARED_SENTENCES = (
    wrong_idea(
        "an id is 0",
        "One of your ids is 0. Minus 0 is 0, and 0 is a token like any other: nobody could tell them apart. Begin "
        "with -1.",
        _SYMBOL,
    ),
    wrong_idea(
        "ids are not negative",
        "Your ids are not below 0. A token is never negative, so the sign alone says what is symbolic.",
        _SYMBOL,
    ),
    wrong_idea(
        "one id for two",
        "For a batch of three your `reserve` gives the same id to two requests: both will read the same token.",
        _SYMBOL,
    ),
    wrong_idea(
        "token 0 taken for an id",
        "Token 0 went into `resolve` and came back changed. Token 0 is in every vocabulary: only what is *below* 0 is "
        "symbolic.",
        _LEFT_ALONE,
    ),
    wrong_idea(
        "real tokens changed",
        "Real tokens went into `resolve` and came back changed: you look every entry up. Look up all of them if you "
        "like, but keep what was found only where the entry is below 0.",
        _LEFT_ALONE,
    ),
    wrong_idea(
        "resolve raises IndexError",
        "`resolve` raises IndexError on a batch that holds the real token 100,000: `where` needs both of its sides "
        "whole, so the lookup happens for real tokens too, and no map has a place 100,000. Clamp the places first.",
        _LEFT_ALONE,
        at=(_ROUND,),
    ),
    wrong_idea(
        "too narrow",
        "A token above 2^31 came back as another number: your tensor holds 32 bits. Ids and tokens are int64 "
        "everywhere, and a silent conversion is worse than an error.",
        _OWN,
    ),
    wrong_idea(
        "changes its caller's tensor",
        "Your method changed the tensor that it was given. The scheduler's own bookkeeping holds it too: give a new "
        "tensor back.",
        _OWN,
    ),
    wrong_idea(
        "hands out its own memory",
        "A tensor that your map gave back changed later, when the map was called again: it was a view of the map's "
        "own memory, or one buffer for all calls. A step that is still running reads it.",
        _OWN,
    ),
    wrong_idea(
        "another order",
        "Tokens of one batch came back in another order. `tokens[i]` belongs to `ids[i]`, and the entry at position p "
        "of a batch is replaced at position p.",
        _SYMBOL,
    ),
    wrong_idea(
        "never stashed",
        "With two batches reserved before the first is stashed, tokens go to the wrong places: `stash` writes to what "
        "was reserved last. It has to write where *its* ids point.",
        _WHERE,
        at=(_TWO,),
    ),
    wrong_idea(
        "overwritten",
        "With two batches reserved before the first is stashed, one takes the other's places: `stash` writes to what "
        "was reserved last. It has to write where *its* ids point.",
        _WHERE,
        at=(_TWO,),
    ),
    Misconception(
        "more tokens than places",
        "With two batches reserved before the first is stashed, `stash` has more tokens than places: it writes to what "
        "was reserved last. It has to write where *its* ids point.",
        _more_tokens_than_places,
        _WHERE,
    ),
    Misconception(
        "nobody",
        "A batch of nobody (an idle step) makes your map raise: `reserve` of no rows gives no ids and changes nothing.",
        _nobody,
        _SYMBOL,
    ),
)

# Last of all: code that waits is right in everything else.
READS_BACK = wrong_idea(
    "reads back",
    "Your map makes the CPU wait for a value: `.tolist()`, `.item()`, `int(...)` or a mask as an index "
    "(`x[x < 0]`, whose length nobody knows before). The CPU then stands still until the step has run, and nothing "
    "overlaps any more. `torch.where` waits for nobody.",
    _DEVICE,
)
