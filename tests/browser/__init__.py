"""The product in a real browser: a served demo, Chromium, axe on every page at two widths."""
