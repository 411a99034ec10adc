"""Offline corrupted benchmarks: planned, written in units that are done or not done, verified, repaired."""
