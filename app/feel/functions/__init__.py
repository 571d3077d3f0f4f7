"""The functions of the language; importing this package fills the registry."""

from app.feel.functions import case, contexts, conversion, dates, lists, numeric, ranges, statistics, strings

__all__ = ["case", "contexts", "conversion", "dates", "lists", "numeric", "ranges", "statistics", "strings"]
