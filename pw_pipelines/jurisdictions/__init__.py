"""The 52 jurisdictions as data: agency, fees, duties, name rules, each value with its source and confidence.

What may come in: one validated file per jurisdiction in `data/`, and reading them. What may not: code for one state.
"""
