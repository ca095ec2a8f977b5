"""Looks at portals day by day: which selectors stand, what changed since they last stood, what may be meant now."""
