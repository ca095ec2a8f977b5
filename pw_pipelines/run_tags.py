"""Tags of runs that the warm process goes by, whatever the job."""

# Nobody waits for such a run: it has the processor's time that others leave.
BACKGROUND = "pw/background"
IN_BACKGROUND = {BACKGROUND: "true"}

# Small, many in a row, and nothing of one is left for the next: a worker that ended one well may take another.
SUCCESSION = "pw/succession"
IN_SUCCESSION = {SUCCESSION: "true"}
