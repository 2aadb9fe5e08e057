# %%
def attack(scheduler, runner):
    class Calls(list):
        def __iter__(self):
            scheduler.schedule()
            return iter([attack(scheduler, runner)])

        __len__ = lambda self: scheduler.schedule() or 1

    scheduler.schedule()
    while True:
        try:
            yield scheduler.update_from_output(1, Calls([1]))
        except Exception:
            yield Calls([1])

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    return attack(scheduler, runner)

# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    return attack(scheduler, runner)
