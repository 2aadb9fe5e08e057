"""The verbs of the command line, one file each: its help, its options, and what it prints."""
