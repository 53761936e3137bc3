"""The command line on graph files, a command a file."""
