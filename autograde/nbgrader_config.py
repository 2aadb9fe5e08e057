"""nbgrader's configuration for this course: solutions/ -> labs/, everything else inside autograde/.

From the repository's root, `JUPYTER_CONFIG_PATH=$PWD/autograde nbgrader autograde lab04_capture_sizes` and
`JUPYTER_CONFIG_PATH=$PWD/autograde jupyter lab` (for the formgrader) work on what `python -m autograde` made.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the instructor's process alone: a student's kernel does not inherit it

from nbgrader.converters.autograde import Autograde  # noqa: E402

from autograde.course import Course  # noqa: E402  (needs the line above)
from autograde.inside.outputs import FairOutputs  # noqa: E402  (needs the line above)

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (given by traitlets)

c.CourseDirectory.course_id = "launch-bound"
c.CourseDirectory.root = str(HERE.parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.submitted_directory = "autograde/submitted"
c.CourseDirectory.autograded_directory = "autograde/out/class/autograded"
c.CourseDirectory.feedback_directory = "autograde/out/class/nbgrader_feedback"
c.CourseDirectory.solution_directory = "autograde/out/class/solution"
c.CourseDirectory.source_with_tests_directory = "autograde/out/class/source_with_tests"
# A file, or the address in autograde/gradebook_url (postgresql+psycopg://...). The path is absolute, because formgrader
# opens it from wherever Jupyter was started.
_course = Course(HERE.parent)
c.CourseDirectory.db_url = _course.database(_course.submitted)
# nbgrader copies every other file of the source folder to students and beside their kernels: not ours.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.py", "*.toml"]

c.Execute.timeout = 15
c.Execute.shutdown_kernel = "immediate"
c.OverwriteCells.add_missing_cells = True
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = dict.fromkeys(("clean_html", "strip_files_prefix"), "autograde.washed.washed")
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
# A warning on stderr is no wrong answer, and a score must lie between 0 and the points of its cell.
_steps = list(Autograde.autograde_preprocessors.default())
c.Autograde.autograde_preprocessors = [_steps[0], FairOutputs, *_steps[1:]]
