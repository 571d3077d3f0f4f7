"""The development identity provider: an OpenID Connect provider inside the demo, with its named people and without passwords.

It starts only when the settings say demo or test and name no other provider. Production refuses it.
"""

from app.devidp.keys import client_secret
from app.devidp.pages import init_app

__all__ = ["client_secret", "init_app"]
