"""What process owners do with procedures as a whole: moving running cases to another release."""
