"""The web: the free compliance check (page and API), the staff's first page, segments.

Pages and routes only: what is true is decided in `compliance` and `leads`. Server-rendered, no scripts.
"""
