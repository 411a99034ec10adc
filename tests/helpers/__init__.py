"""What several test files need: small networks, data sets, runs that are killed, odd inputs, statistics."""
