"""Grade a class of notebooks with one command: `python -m autograde grade`, run from the repository's root.

nbgrader keeps what it does well: the source format, the release, the gradebook, the formgrader and marks by hand.
Between its database and a student's notebook stands this package. A notebook is run by two processes, forked from
servers in a sandbox: the student's own, which never sees a test, and the tester, which the student's cannot reach.
What comes out is one result in a file of its own, and gradebook, pages, report and CSV are views of results. So one
student never stops the class, a grader that is killed goes on where it ended, and no score outlives its submission.

What it does not do: it cannot tell who wrote an answer (`similar` shows pairs to look at), it does not hide the
library's own source from a student's process (what a lab asks for refuses to be called there, and can be read
anywhere), and it does not notice another version of Python or torch: `regrade` runs what is unchanged all the same.
"""

import sys

# With this package jsonschema checks URIs, of which a notebook has none; it builds its grammar in 1.3 s at each import.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
