"""Smaller dense networks from channels that are dead or removed together."""
