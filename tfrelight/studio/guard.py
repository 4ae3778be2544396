"""Who may talk to the studio, and what browsers are told about its answers."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

__all__ = ["HEADERS", "Guard"]

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
    # With "no-referrer" the page's beacon that closes a photo comes from the origin "null" (Fetch
    # Standard, "append a request Origin header"), which is refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_COOKIE = "tfrelight_studio"
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Middleware: refuses other sites' requests, and who does not know the token.

    A page of another site could otherwise reach a server on its visitor's machine, by posting to it
    or by a name that it makes point to 127.0.0.1 (DNS rebinding).

    Args:
      app: of ASGI.
      hosts: names under which the studio may be asked for; None: any, where a token is wanted.
      token: that visitors must know, or None.
    """

    def __init__(self, app, hosts=None, token=None):
        self.app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope, receive, send):
        """Answers a request, or hands it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self._refused(scope) or self._unknown(scope)
        await (answer or self.app)(scope, receive, _with_headers(send))

    def _refused(self, scope):
        headers = _headers(scope)
        host = headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if not name or (self._hosts is not None and name not in self._hosts):
            return _error(421, f"This is the studio of another name than {host[:80]!r}.")
        if scope["method"] in _SAFE:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != host
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _error(403, "This request comes from a page of another site.")
        return None

    def _unknown(self, scope):
        if self._token is None:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(given):
            answer = RedirectResponse("/", 303)
            # Lax: who follows the address from a page, as of mail, is sent on with the cookie.
            secure = scope["scheme"] == "https"
            answer.set_cookie(_COOKIE, given, httponly=True, samesite="lax", secure=secure)
            return answer
        headers = _headers(scope)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(bearer.strip()):
            return None
        # Not http.cookies: one odd cookie of another program on this host would hide ours.
        if self._is_token(cookie_parser(headers.get("cookie", "")).get(_COOKIE, "")):
            return None
        text = "Open the studio with the address that its command printed, which ends in ?token=..."
        return _error(401, text) if scope["path"] != "/" else PlainTextResponse(text, 401)

    def _is_token(self, given):
        return secrets.compare_digest(given.encode(), self._token.encode())


def _headers(scope):
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _error(status, text):
    return JSONResponse({"error": text, "reason": "refused"}, status)


def _with_headers(send):
    extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def sending(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sending
