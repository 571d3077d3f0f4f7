"""Identity: who a person is, what roles they hold, and the session or token that proves it."""
