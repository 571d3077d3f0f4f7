"""What forms may ask for (docs/developers/form-context.md): options, fixed rows and known answers, for one task and one person.

Each provider gives only what this person may see in this case at this time.
"""

from app.operations.providers import asking, case, meeting
from app.operations.providers.common import PROVIDERS

__all__ = ["PROVIDERS", "asking", "case", "meeting"]
