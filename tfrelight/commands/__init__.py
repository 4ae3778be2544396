"""Shared by the commands: failures in one clear line, flags, many photos."""
