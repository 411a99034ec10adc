"""Training: engine (Fabric), recipe, loop, tracker, and what a run costs."""
