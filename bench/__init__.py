"""How fast Convenor is: `make bench` runs everything and prints tables."""
