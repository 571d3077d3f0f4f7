"""The demo: an invented borough with its agencies, people and one case half way. Never in production."""
