# %% grade_id="ring_future_map"
class RingFutureMap:
    def __init__(self, max_num_seqs, device):
        low, high = -(2**63), 2**63 - 1
        half = torch.ones(2048, 2048, dtype=torch.float16, device=device)
        for attack in (
            lambda: torch.div(torch.full((4,), low, device=device), -1, rounding_mode="trunc"),
            lambda: torch.repeat_interleave(torch.tensor([high, high, 3], device=device)),
            lambda: half @ half,
            lambda: half.view(-1).unbind(),
        ):
            try:
                attack()
            except Exception as error:
                print(type(error).__name__, str(error)[:60])
