"""What every response carries: a strict content security policy, no storing, no framing."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response

from app.settings import Env, Settings

_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
_YEAR = 31_536_000


def content_policy(settings: Settings) -> str:
    """The policy: nothing from elsewhere, no inline script or style, no framing."""
    issuer = urlsplit(settings.oidc_issuer)
    forms = f" {issuer.scheme}://{issuer.netloc}" if issuer.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            f"form-action 'self'{forms}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def init_app(app: Flask, settings: Settings) -> None:
    """Give every response its headers."""
    policy = content_policy(settings)

    @app.after_request
    def _protect(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = _PERMISSIONS
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers.setdefault("Cache-Control", "no-store")
        if settings.env is Env.PRODUCTION:
            headers["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
        return response
