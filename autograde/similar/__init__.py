"""Which students of a class share more than the release explains: fingerprints, shares of pairs, and pages to read.

`copydetect` cuts code into fingerprints that do not see names, comments and spacing. `reading` does that for one
notebook, in a process of its own that may fail; `shares` compares all pairs; `pages` and `picture` show the result.
"""
