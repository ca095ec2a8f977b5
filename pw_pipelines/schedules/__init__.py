"""When work happens that goes by the clock. A schedule asks what is missing; that its tick came proves nothing."""
