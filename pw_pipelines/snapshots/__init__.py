"""The road every copy of a public record takes: kept raw, graded, loaded whole or not at all, recalled if wrong.

Knows what a source promises (its contract) and how to read it (its reader); knows no rule of compliance.
"""
