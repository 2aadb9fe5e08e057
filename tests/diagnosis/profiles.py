"""torch.profiler traces of whole programs, made by hand in the shape of `tests.timing.profiled`."""

from __future__ import annotations

from tests.timing.profiled import event, on_gpu, trace


def profile_of(steps, num_kernels, kernel_us, *, call_us=4.0, dispatch_us=6.0, item=True, think_us=30.0, skew_us=0.0):
    """Ops that launch one kernel each, then `.item()`, then Python that no span shows.

    `skew_us`: how long before its call returns a kernel starts on an idle GPU, as real ones do.
    """
    events, cpu_us, gpu_us = [], 100.0, 0.0
    for _ in range(steps):
        for _ in range(num_kernels):
            events.append(event("cpu_op", "aten::mm", cpu_us, dispatch_us + call_us))
            cpu_us += dispatch_us + call_us
            events.append(event("cuda_runtime", "cudaLaunchKernel", cpu_us - call_us, call_us))
            gpu_us = max(gpu_us + 1.0, cpu_us - skew_us if skew_us else cpu_us + 2.0)
            events.append(on_gpu("kernel", "gemm", gpu_us, kernel_us))
            gpu_us += kernel_us
        if item:
            cpu_us, gpu_us = _item(events, cpu_us, gpu_us)
        cpu_us += think_us
    return trace(*events)


def _item(events, cpu_us, gpu_us):
    """`.item()`: a copy to pageable memory, whose call returns when the copy is done, and a wait for nothing more."""
    start_us = max(gpu_us + 1.0, cpu_us + 6.0)
    done_us = start_us + 1.5
    events.append(on_gpu("gpu_memcpy", "Memcpy DtoH (Device -> Pageable)", start_us, 1.5))
    events.append(event("cpu_op", "aten::item", cpu_us, done_us + 7.0 - cpu_us))
    events.append(event("cuda_runtime", "cudaMemcpyAsync", cpu_us + 2.0, done_us + 2.0 - cpu_us - 2.0))
    events.append(event("cuda_runtime", "cudaStreamSynchronize", done_us + 3.0, 2.0))
    return done_us + 7.0, done_us


def copies(steps):
    """Batches from pageable memory: the call lasts as long as the copy; then a few kernels."""
    events, now_us = [], 100.0
    for _ in range(steps):
        events.append(event("cuda_runtime", "cudaMemcpyAsync", now_us, 905.0))
        events.append(on_gpu("gpu_memcpy", "Memcpy HtoD (Pageable -> Device)", now_us + 3.0, 900.0))
        for place in range(4):
            events.append(event("cuda_runtime", "cudaLaunchKernel", now_us + 910.0 + 10 * place, 4.0))
            events.append(on_gpu("kernel", "gemm", now_us + 916.0 + 10 * place, 9.0))
        now_us += 960.0
    return trace(*events)


def in_a_row(start_us, lengths_us, *, gap_us, **args):
    """Kernels one after the other."""
    starts = [start_us + sum(lengths_us[:place]) + gap_us * place for place in range(len(lengths_us))]
    return [on_gpu("kernel", "gemm", at_us, us, **args) for at_us, us in zip(starts, lengths_us, strict=True)]
