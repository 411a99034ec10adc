"""Studies: many ordinary runs (method x sparsity x seed x model x data) with their controls, and their comparison."""
