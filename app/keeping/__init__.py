"""Keeping: backup, restore and the rotation of the master key. What an operator does to the whole installation, never to one case."""
