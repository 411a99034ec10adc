"""What leaves the machine: a folder of one network for a hub, and a leaderboard of many results."""
