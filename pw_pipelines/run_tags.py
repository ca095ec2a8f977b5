"""Tags of runs that more than one part of the house goes by."""

# Nobody waits for such a run: the warm process lets it have the processor's time that others leave.
BACKGROUND = "pw/background"
IN_BACKGROUND = {BACKGROUND: "true"}
