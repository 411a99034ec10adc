"""Networks for clips and images, one table: float (B, 3, T, H, W) in, logits (B, num_classes) out."""
