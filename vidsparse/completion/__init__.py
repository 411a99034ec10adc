"""`vidsparse completion`: what makes a shell complete commands, configs and their keys."""
