"""Figures of the reports: matplotlib only, drawn from tables."""
