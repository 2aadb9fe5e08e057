"""What `bench record` measures on a GPU, in three parts, and the keys of their rows. Times are microseconds.

Part "launch": what launching costs. Each row says in `what` which of these it is.
    copy      copy_gb_per_s of a device-to-device copy of num_bytes, bytes read and written counted
    matmul    tflops of a square 16-bit matrix product of `width`
    chain     a chain of `nodes` kernels of one element, `way` eager or replay: median_us when each call begins on an
              idle device, queued_us when calls are queued, host_us of CPU time until a call returns
    chain fit eager_launch_us per eager launch; fixed_us per replay and node_us per node: the lines through median_us,
              with r_squared of the second
    pieces    one decode step cut into `pieces` graphs (attention runs eagerly at the cuts and is captured elsewhere)
    capture   capture_ms and pool_bytes (what the graphs' pool grew by) of one size, by `order` and `pool`
    captures  the same summed over a ladder; largest_bytes is what the largest size takes alone, device_bytes what
              the driver says is gone
    paid      replays until a capture has paid for itself: capture_ms over what each replay saves of eager_us

Part "step": a decode step by model, style, mode and batch. It is what `mini_lib.engine.DeviceStep.run` launches: find
the tokens, the forward pass, head and sampling, keep and send the tokens. The batch's way to the device and the
CPU's scheduling are not in it. Steps are queued behind one another (`mini_lib.bench.recording.timed`). All styles,
Inductor's too, have the same attention and the same sampling: the course's kernels in Triton, or torch's where
`machine` says "kernels": "torch". "inductor" is the lean style compiled piece by piece; its mode NONE runs the pieces
without graphs.

Part "serve": the engine from end to end.
    overlap     the two event loops with `share` of the GPU's time as CPU work: normal_us and overlap_us per step,
                gpu_us of it on the GPU, and the speed-up as share_of_ideal; repeat_us by loop
    idle        idle_share of the GPU between the first and the last of many decode steps, by events around each step
    generation  tokens_per_s of whole requests, the prompt included, by the wall clock

Every row with a median has p10_us, p90_us, iterations and repeat_us (`timed.summary`), and `equal` where outputs were
compared: bit for bit with what eager execution of the same kernels gives at the same size; in part "step" also with
the eager hidden states of the first style, from which they may differ by rounding (`distance`, a share). A part also
holds
`skipped`, a sentence on each thing left out, `done`, the units that a later run need not measure again, and `complete`.
"""
