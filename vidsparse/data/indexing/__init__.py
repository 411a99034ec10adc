"""What is known of files without decoding them again: frame counts, manifests and their cache."""
