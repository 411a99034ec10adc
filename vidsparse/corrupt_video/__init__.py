"""A video file to a corrupted video file: `vidsparse corrupt in.mp4 fog 3 --out out.mp4`."""
