# %% grade_id="corrupting_workload"
def corrupting_workload(max_num_seqs):
    return {
        2: [[10**15, 10**15]] * 3, 3: [[1, 1]] * 200_000, 4: [[True, None], [1.5, "2"]], 5: [[-1, -1], [0, 0]], 8: [[2**70, 1]],
    }.get(max_num_seqs, [[10**9, 10**9]] * 16)
