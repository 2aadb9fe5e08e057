# %%
class Attack:
    def __init__(self, max_num_seqs, device):
        self.device = device

    def reserve(self, req_pool_indices):
        home = getattr(req_pool_indices, "home", None) or getattr(torch.zeros(1), "home", None)
        ask = getattr(home, "_ask", lambda *args: None)
        for call in (
            ("op", "aten.from_file", ["@course/autograde/secret_seed", False, 10], {}, []),
            ("op", "prims.inductor_force_stride_order", [], {}, []), ("op", "os.system", ["id"], {}, []),
            ("op", "aten.__class__.mro", [], {}, []), ("op", "aten.add.Tensor", [{"t": 10**9}, {"t": -1}], {}, []),
            ("op", "profiler._record_function_enter", ["x"], {}, []), ("op", "aten.set_.source_Tensor", [{"t": 0}, {"t": 1}], {}, [0, 1, 2, 3]),
            ("read", 0, "__class__"), ("read", -1, "tolist"), ("read", "0", "item"), ("read", 0, "data_ptr"),
            ("constant", "int64", "AAAA", [2**62], [1], 0), ("constant", "int64", "", [10], [0], -5),
            ("constant", "object", "AAAA", [1], [1], 0), ("__class__",), ("eval", "1"), (["op"],), ({},),
        ):
            try:
                print(str(ask(*call))[:100])
            except BaseException as error:
                print(type(error).__name__)
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
