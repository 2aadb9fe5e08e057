"""Grade one class on many machines, through a Dask cluster that is there already.

    scheduler:     python -m dask scheduler --host 127.0.0.1
    each machine:  python -m dask worker 127.0.0.1:8786 --nthreads 2     (from the repository's root, in its .venv)
    instructor:    python -m autograde grade ~/class --scheduler 127.0.0.1:8786

Dask carries texts, and nothing else of ours: a job as JSON goes out, a reply as JSON comes back. On each worker a
program of its own (`autograde.worker`) holds the sandboxed servers; the worker itself is never forked. A lost worker's
submissions go to another one.

The cluster sees hidden tests: they are part of a job. So an address is a loopback one, or tls:// with the certificates
of Dask's own configuration, and workers whose grader, library or versions differ from the instructor's are refused.
Whoever can talk to a Dask scheduler can run programs on its workers: that is true of Dask, whoever uses it.
"""
