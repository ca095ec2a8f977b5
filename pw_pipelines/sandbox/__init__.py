"""Stand-ins of the outside world on loopback, speaking the real protocols, over one invented world.

The world is a pure function of (seed, day): `world.World`. `server.create_app` puts the stand-ins under one
address; `faults` makes each of them misbehave on request.
"""
