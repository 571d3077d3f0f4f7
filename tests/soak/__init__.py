"""The long ones: run by ``make soak``."""
