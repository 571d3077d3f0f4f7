"""One kind of answer per module: how it is typed, checked, kept, drawn and read back."""
