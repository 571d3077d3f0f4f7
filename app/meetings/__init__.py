"""Meetings: the conference, its agenda, who attends, rulings, signatures."""
