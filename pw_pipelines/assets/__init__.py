"""What exists and what it is made of, one file per subject. Thin: every decision lives in a domain room.

Belongs here: keys, groups, owners, partitions, checks, metadata. Does not: how a source is read, what makes a
copy good, what a finding is. Domain rooms are imported inside functions, so that loading the location stays cheap.
"""
