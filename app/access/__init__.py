"""Access: the permissions, the rules, and the one place that decides. Default deny."""
