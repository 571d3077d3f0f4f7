"""Cases: dossiers and their keys, the parties, submissions, deadlines, actions, links, matching."""
