# %%
class Attack:
    def __init__(self, max_num_seqs, device):
        self.made = []
        for make in (
            lambda: torch.zeros(10**13, device=device), lambda: torch.empty(2**40, 2**40, device=device),
            lambda: torch.arange(10**11, device=device), lambda: torch.ones(1, device=device).expand(10**9).contiguous(),
            lambda: torch.zeros(3, device=device).repeat(10**10), lambda: torch.zeros(10**5, 10**5, device=device),
            lambda: torch.ones(30_000, 30_000, device=device) @ torch.ones(30_000, 30_000, device=device),
            lambda: torch.zeros(2, device=device).resize_(10**12), lambda: torch.zeros(2, device=device).as_strided((10**6,), (10**6,)),
            lambda: torch.full((1,), float("nan"), device=device).set_(torch.zeros(10**9).untyped_storage()),
            lambda: torch.zeros(10, device=device)[torch.tensor([2**62], device=device)],
            lambda: torch.zeros(10, device=device).index_put_((torch.tensor([10**9], device=device),), torch.tensor(1.0)),
            lambda: torch.eye(10**6, device=device), lambda: torch.randint(0, 2, (10**10,), device=device),
        ):
            try:
                self.made.append(make())
            except Exception as error:
                print(type(error).__name__)

    def reserve(self, req_pool_indices):
        return torch.full((len(req_pool_indices),), -1, dtype=torch.int64)

    def stash(self, ids, tokens):
        pass

    def resolve(self, input_ids):
        return input_ids

# %% grade_id="ring_future_map"
class RingFutureMap(Attack):
    pass

# %% grade_id="pool_future_map"
class PoolFutureMap(Attack):
    pass
