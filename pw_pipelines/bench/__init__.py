"""Measurements on this machine, each as a ratio against a peer in the same run. Never part of the test suite."""
