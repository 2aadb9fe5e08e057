# %%
def attack(scheduler, runner):
    ask = scheduler._ask
    for name, *args in (
        ("_setattr__", "first_fault", None), ("_setattr__", "scheduler", None), ("_delattr__", "log"),
        ("_init__", None), ("_class__", None), ("_dict__",), ("_getattribute__", "log"), ("_reduce_ex__", 2),
        ("spend", "nothing", -1e9), ("require_tokens", 0, []), ("waited",), ("gpu_end_us",), ("is_step", 1, 1),
        ("could_launch_more", 0), ("", ), ("ask", "schedule"), ("schedule\0",), ("x" * 100_000,), (7,), (None,),
    ):
        try:
            print(name[:20], ask(name, *args))
        except BaseException as error:
            print(type(error).__name__)

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    return attack(scheduler, runner)

# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    return attack(scheduler, runner)
