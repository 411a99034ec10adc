"""What there is by name: `vidsparse list models|methods|corruptions|suites|data|configs`."""
