# %%
def attack(scheduler, runner):
    ask = scheduler._ask
    for owner in (getattr(ask, "__self__", None), getattr(ask, "__closure__", None), getattr(ask, "__globals__", None)):
        try:
            owner.first_fault, owner.not_overlapped, owner.made = None, [], []
            owner.launched = owner.processed = 0
            for request in owner.scheduler.requests.values():
                request.output_token_ids.extend([1] * request.max_new_tokens)
            owner.ask = owner.log.append
        except AttributeError:
            pass

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    return attack(scheduler, runner)

# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    return attack(scheduler, runner)
