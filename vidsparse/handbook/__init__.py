"""The pages of docs/corruptions: generated from the registry, with pictures of a scene that nobody filmed."""
