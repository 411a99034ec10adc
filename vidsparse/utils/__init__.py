"""What every room uses: errors and failures, files, locks, progress, signals, the machine and its surroundings."""
