"""What an instructor does about a notebook that did not come to its end."""

from __future__ import annotations

NEXT_STEPS = {
    "timed_out": "What ran before the limit counts. If an honest answer needs longer, raise `cell_seconds` or "
    "`submission_seconds` under `[limits]` in the lab's `lab.toml` and grade again; else there is nothing to do.",
    "kernel_died": "What ran before that counts. If honest answers need more memory, raise `memory_gb` under "
    "`[limits]` in the lab's `lab.toml` and grade again; else there is nothing to do.",
    "unreadable": "Ask for the `.ipynb` file that JupyterLab saved, put it in its place and grade again.",
    "missing": "Look whether it was handed in under another name: it must lie at `STUDENT/LAB/LAB.ipynb`.",
    "grader_error": "Not the student's fault, and no grade. Read `logs/STUDENT/LAB.txt` beside this page, then "
    "`python -m autograde regrade STUDENT`.",
}
