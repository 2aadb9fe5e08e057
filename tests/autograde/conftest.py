"""The toy course is a course, not a module: pytest must not import its sources."""

collect_ignore = ["toy"]
