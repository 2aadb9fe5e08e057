# %% grade_id="size_for"
kept = []


def size_for(num_tokens, sizes):
    kept.append(sizes)
    for one in kept:
        one.clear()
    return None
