"""Corrupted clips: on the fly, from an offline benchmark, and from published sets."""
