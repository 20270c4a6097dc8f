"""The page at `/`: lists the models and draws what they answer; one file, which asks the server."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

PATH = "/"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def routes() -> list[BaseRoute]:
    """Return the route of the page."""
    raw = files(__package__).joinpath("page.html").read_bytes()

    async def page(request: Request) -> Response:
        return Response(raw, headers=_HEADERS, media_type="text/html")

    return [Route(PATH, page)]
