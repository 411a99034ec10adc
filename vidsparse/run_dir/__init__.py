"""The folder of one run, `runs/<name>/`: who may write in it, its record and its tables."""
