"""The token engine: SpiffWorkflow's task tree, subclassed. Pure: it knows no database; the outside world is a
:class:`Host`."""
