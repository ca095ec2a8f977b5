"""How each outside system is reached: one file each. Protocol, limits and errors; never a rule of the trade."""
