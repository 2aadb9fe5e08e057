"""`python -m autograde VERB`: see `python -m autograde --help`."""

from autograde.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
