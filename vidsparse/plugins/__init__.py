"""Code of users: the plug-ins that a config names, what they register, and how other processes come to have it."""
