# %%
def attack(scheduler, runner):
    class Any(int):
        __eq__ = lambda self, other: True
        __ne__ = lambda self, other: False
        __le__ = __ge__ = __lt__ = __gt__ = __eq__
        __hash__ = int.__hash__

    class Tokens(list):
        __eq__ = lambda self, other: True
        __ne__ = lambda self, other: False
        __iter__ = lambda self: iter([Any(1)] * 4)

    for batch in (Any(1), True, 1.0, "1", -1, 2**70, [1], {"batch": 1}, runner, object()):
        for tokens in (Tokens(), [True], (1.0,), None, {1: 1}, "1", iter([1])):
            try:
                scheduler.schedule()
                runner.execute_model(batch).wait()
                scheduler.update_from_output(batch, tokens)
            except Exception as error:
                print(type(error).__name__, error)

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    return attack(scheduler, runner)

# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    return attack(scheduler, runner)
