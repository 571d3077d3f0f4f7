"""The work list: who is asked to do what by when; claiming, drafts, completing."""
