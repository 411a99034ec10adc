"""Reports: one offline page a run, and one that compares runs, made from tables alone; needs no model and no torch."""
