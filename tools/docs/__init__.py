"""The pages of docs/corruptions and docs/methods, and docs/config.md: made from registries, rows and schema."""
