"""Iowa's register: the Iowa Data Hub's file of active entities, handed out whole (a ZIP of JSON lines, or CSV).

A page of the retired Socrata set has the same columns and is read as a part.
"""

from __future__ import annotations

from pw_pipelines.sources.open_data import OpenDataReader

READERS = (OpenDataReader("iowa_hub", "IA", is_whole_by_nature=True),)
