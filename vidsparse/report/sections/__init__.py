"""Sections of the reports: tables, figures and sentences of one matter each."""
