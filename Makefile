# A thin front of .ci/course.py. On Windows: py .ci\course.py lab
PYTHON ?= python3
LAB ?=
ARGS ?=

.PHONY: help lab test grade mine reset notebooks release soak check picture clean
help:
	@$(PYTHON) .ci/course.py --help

lab test grade notebooks release soak check picture clean:
	@$(PYTHON) .ci/course.py $@ $(ARGS)

reset:
	@$(PYTHON) .ci/course.py reset "$(LAB)"

mine:
	@$(PYTHON) .ci/course.py mine "$(LAB)" $(ARGS)
