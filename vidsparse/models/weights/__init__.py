"""Weights for a network: where they are found, how they are read and fitted, and the labels they answer with."""
