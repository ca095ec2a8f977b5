"""Starts Dagster's runs from a warm process: everything is imported once, each run is a fork of it.

The stock launcher starts a fresh interpreter for every run and imports Dagster and this project anew; PW_LAUNCHER=stock
brings it back. How it works and what happens when something dies: docs/launcher.md.
"""
