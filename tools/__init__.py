"""What is used to make this repository, and is in no wheel."""
