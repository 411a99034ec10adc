"""What is called from Python: `vidsparse.evaluate`, `Result`, `load_run`, `compare`, `generate`, ..."""
