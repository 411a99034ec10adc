"""What a trained network is like beyond its accuracy: where its weights lie, what frequencies and places it sees."""
