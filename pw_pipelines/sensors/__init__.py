"""When work happens that goes by events: what was missed, and what a person must be told.

A sensor belongs here when it reads Dagster's or our own books; what it decides is a pure function in its room.
"""
