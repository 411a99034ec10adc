"""Who is in a data set and in a split: sources, lists, class names, sample data, and how to get a set."""
