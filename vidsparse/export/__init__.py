"""A trained network as a file for other runtimes, and how long it takes."""

LATENCY = "latency.csv"  # in the folder of a comparison: see `export.latency.measure`
