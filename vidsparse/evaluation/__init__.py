"""Evaluation: models on clean and corrupted clips, the predictions table, and the metrics computed from it."""
