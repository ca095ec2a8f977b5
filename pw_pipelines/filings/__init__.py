"""Filing with portals: their forms as data, the engine that fills and sends them, evidence, hours, pace, probes."""
