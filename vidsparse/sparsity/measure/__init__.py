"""What a topology is and would save: FLOPs, layers, dead channels, dispersion."""
