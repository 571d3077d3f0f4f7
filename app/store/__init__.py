"""Store: the database, encryption, the two clocks and the job table. It knows nothing of cases or diagrams."""
