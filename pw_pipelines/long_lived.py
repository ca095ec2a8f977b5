"""Dagster's modules live as long as their process: once imported, the collector leaves them alone.

Going through them again and again was a quarter of what loading our definitions took (`pw bench acquisition`), and
run workers forked from a warm process would copy every page the collector touches.
"""

import gc

import dagster  # noqa: F401

gc.freeze()
