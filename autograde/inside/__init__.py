"""What runs inside a sandbox: one submission, from the bytes of a notebook to its result.

Two processes share the work and trust each other in one direction only. The *tester* reads the notebook, lays it back
onto the release, and runs the tests. The *student's* process runs what the student wrote, and never sees a test.
Nothing here imports the rest of `autograde`: only this folder and the library are within a sandbox's reach.
"""
