"""What each kind of document says, as plain data. Builders fill these; templates draw them."""
