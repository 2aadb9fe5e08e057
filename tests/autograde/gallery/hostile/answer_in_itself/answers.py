# %% grade_id="double"
def double(x):
    answer = {"a": []}
    answer["a"] += [answer, answer]
    return answer
