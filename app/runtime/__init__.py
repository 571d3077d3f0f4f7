"""Runtime: the engine room, and the only place that imports SpiffWorkflow."""
