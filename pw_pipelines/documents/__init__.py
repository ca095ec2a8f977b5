"""Documents: Word templates filled with an item's facts, made PDF, signed."""
