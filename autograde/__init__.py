"""Grade a class of notebooks with one command: `python -m autograde grade`, run from the repository's root.

nbgrader keeps what it does well: the source format, the release, the gradebook and the formgrader. Around its own
preprocessors this package puts what it lacks: each submission runs in a process of its own with limits on time,
memory and output; damaged notebooks are repaired or named, and never stop the class; the gradebook has one writer;
feedback shows a student their points and a sentence, and no line of a hidden test.

What this version does *not* do: it contains accidents, not attackers. A student's code runs as the user who grades,
beside the tests, and may read, change or send what that user can. One who sets out to can therefore earn points
without an answer (by patching the judge, or reading the solution from disk), and can carry a hidden test out in an
error message that spells it differently. Until the sandbox lands, grade on a machine (or in a container) that you can
lose, as a user who owns nothing else, and read what looks odd.

The package imports no `mini_lib`: it grades any course that is laid out as `solutions/<lab>/<lab>.py`.
"""

import sys

# With this package jsonschema checks URIs, of which a notebook has none; it builds its grammar in 1.3 s at each import.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
