"""Right and wrong answers to the exercises of notebook 08, for test_practice.py."""

RIGHT = {
    "08/slot_of": lambda position, block_ids, block_size: (
        block_ids[position // block_size] * block_size + position % block_size
    ),
    "08/run_order": lambda rounds: ["A", "B", "B", "A"] * (rounds // 2),
}
WRONG = {
    ("08/slot_of", "takes the position for the slot"): lambda position, block_ids, block_size: position,
    ("08/slot_of", "forgets the size of a block"): lambda position, block_ids, block_size: (
        block_ids[position // block_size] + position % block_size
    ),
    ("08/slot_of", "always the start of the block"): lambda position, block_ids, block_size: (
        block_ids[position // block_size] * block_size
    ),
    ("08/slot_of", "blocks lie one behind the other"): lambda position, block_ids, block_size: (
        block_ids[0] * block_size + position
    ),
    ("08/slot_of", "names the block"): lambda position, block_ids, block_size: block_ids[position // block_size],
    ("08/slot_of", "adds the whole position"): lambda position, block_ids, block_size: (
        block_ids[position // block_size] * block_size + position
    ),
    ("08/slot_of", "counts blocks from 1"): lambda position, block_ids, block_size: (
        (block_ids[position // block_size] - 1) * block_size + position % block_size
    ),
    ("08/run_order", "other letters"): lambda rounds: " ".join("ABBA" * (rounds // 2)),
    ("08/run_order", "one comes later on average"): lambda rounds: "AABB" * (rounds // 2),
    ("08/run_order", "one after the other"): lambda rounds: "A" * rounds + "B" * rounds,
    ("08/run_order", "the same one is always later"): lambda rounds: "AB" * rounds,
    ("08/run_order", "not as many of both"): lambda rounds: "ABA" * rounds,
    ("08/run_order", "long blocks"): lambda rounds: "A" * (rounds // 2) + "B" * rounds + "A" * (rounds // 2),
}
