"""Fulfilment: a paid order's items, worked stage by stage, each effect on the outside world done exactly once."""
