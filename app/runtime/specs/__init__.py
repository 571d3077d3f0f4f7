"""What each BPMN element does when a token reaches it."""
