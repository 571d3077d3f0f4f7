"""Agencies: areas, the agencies that signed, their approved contacts, and the area's parameters."""
