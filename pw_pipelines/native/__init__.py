"""The few inner loops that ten million records go through, compiled; and whether they are.

Each does what a plain Python function beside its caller does, only quicker. They are built when the package is
installed where a C compiler is at hand (`hatch_build.py`); without one the plain functions do the work. Tests hold
both to the same answers.
"""

try:
    from pw_pipelines.native import records, words

    IS_COMPILED = True
except ImportError:
    IS_COMPILED = False

__all__ = ["IS_COMPILED", "records", "words"]
