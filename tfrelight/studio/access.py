"""Access control and security headers for the studio."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HEADERS", "AccessControl"]

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    # "no-referrer" would give the page's beacon that closes a photo the origin "null" (Fetch
    # Standard, "append a request Origin header"), which is refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_COOKIE = "tfrelight_studio"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class AccessControl:
    """ASGI middleware that refuses requests of other sites, and requests without the token.

    Otherwise any page could reach a server on its visitor's machine, by posting to it or through a
    name that it resolves to 127.0.0.1 (DNS rebinding).

    Args:
      app: the ASGI application to protect.
      hosts: host names to accept; None for any, which needs a token.
      token: secret that clients must know, or None.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] | None = None, token: str | None = None
    ) -> None:
        self.app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        response = self._check_origin(connection) or self._check_token(connection)
        await (response or self.app)(scope, receive, _with_headers(send))

    def _check_origin(self, connection):
        """The refusal of a request for another host or from another site, or None."""
        headers = connection.headers
        host = headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if not name or (self._hosts is not None and name not in self._hosts):
            return _refusal(421, f"This studio does not serve the host {host[:80]!r}.")
        if connection.scope["method"] in _SAFE_METHODS:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != host
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _refusal(403, "This request comes from a page of another site.")
        return None

    def _check_token(self, connection):
        """The redirect that sets the cookie, the refusal of an unknown client, or None."""
        if self._token is None:
            return None
        path = connection.scope["path"]
        given = connection.query_params.get("token", "")
        if path == "/" and self._is_token(given):
            response = RedirectResponse("/", 303)
            # Lax: the redirect keeps the cookie when the address was a link, as in a mail client.
            secure = connection.scope["scheme"] == "https"
            response.set_cookie(_COOKIE, given, httponly=True, samesite="lax", secure=secure)
            return response
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(bearer.strip()):
            return None
        # Starlette's parser, because `http.cookies` gives up at a malformed cookie of another
        # program on this host.
        if self._is_token(connection.cookies.get(_COOKIE, "")):
            return None
        text = "Open the studio with the address that its command printed, which ends in ?token=..."
        return PlainTextResponse(text, 401) if path == "/" else _refusal(401, text)

    def _is_token(self, given):
        return secrets.compare_digest(given.encode(), self._token.encode())


def _refusal(status, text):
    return JSONResponse({"error": text, "reason": "refused"}, status)


def _with_headers(send):
    async def sending(message):
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sending
