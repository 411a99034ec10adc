"""From files on disk to clips of frames: who is in a split, which frames, how they are decoded."""
