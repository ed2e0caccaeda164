"""The web application: GraphQL at /graphql, GraphiQL at the same address for browsers, and the operators' routes."""

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.unset import UNSET, UnsetType

from services.gateway.certificate_pages import add_certificate_routes
from services.gateway.context import Context, House
from services.gateway.errors import Unauthenticated, shown
from services.gateway.schema import schema
from services.runtime.process import Health, add_admin_routes

BODY_BYTES_MAX = 512 * 1024
"""A document that is kept whole has room in it, in base64."""
SOCKET_BYTES_MAX = 64 * 1024
SUBSCRIPTIONS_MAX = 20
SOCKETS_MAX = 1_000
INIT_TIMEOUT = timedelta(seconds=5)
RESPONSE_TYPE = "application/graphql-response+json"
STATIC = Path(__file__).with_name("static")

_HOUSE = web.AppKey("house", House)
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class View(GraphQLView[Context, None]):
    """Strawberry's view, with our context, our limits and one way to show errors."""

    def __init__(self, origins: Sequence[str]) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_MAX,
            allowed_origins=origins,
        )
        self._sockets = 0

    async def get_context(
        self, request: web.Request, response: web.Response | web.WebSocketResponse
    ) -> Context:
        """A socket proves its viewer later, in its first message; a wrong token is never taken for none."""
        house = request.app[_HOUSE]
        context = Context(house, request_id=request["request_id"])
        if isinstance(response, web.Response):
            try:
                authorization = request.headers.get("Authorization")
                context.proven = await house.verifier.viewer(authorization)
            except Unauthenticated as fault:
                raise _unauthorised(fault) from None
        return context

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        given = {name.lower(): value for name, value in context.connection_params.items()}
        authorization = given.get("authorization")
        try:
            if not isinstance(authorization, str | None):
                raise Unauthenticated("authorization is a text.")
            context.proven = await context.house.verifier.viewer(authorization)
        except Unauthenticated as fault:
            raise ConnectionRejectionError from fault
        return UNSET

    async def create_websocket_response(
        self, request: web.Request, subprotocol: str | None
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=[subprotocol] if subprotocol else [],
            heartbeat=30,
            max_msg_size=SOCKET_BYTES_MAX,
        )
        await socket.prepare(request)
        return socket

    async def serve_socket(self, request: web.Request) -> web.StreamResponse:
        """A socket, unless too many are open."""
        if self._sockets >= SOCKETS_MAX:
            raise web.HTTPServiceUnavailable(text="Too many sockets are open.")
        self._sockets += 1
        try:
            return await self(request)
        finally:
            self._sockets -= 1

    def decode_json(self, data: str | bytes) -> object:
        """A JSON object; whatever else the body is, it is the client's error."""
        try:
            return msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
            raise json.JSONDecodeError(str(fault), "", 0) from None

    def encode_json(self, data: object) -> str:
        """Text and not bytes: sockets send text."""
        return msgspec.json.encode(data).decode()

    async def process_result(
        self, request: web.Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """Errors are shown like everywhere, also where no extension of the schema has seen them."""
        if result.errors:
            result.errors = [shown(error, request["request_id"]) for error in result.errors]
        response = await super().process_result(request, result)
        if isinstance(result, PreExecutionError):
            response.pop("data", None)
        return response


def application(
    house: House, health: Health, origins: Sequence[str], public_url: str
) -> web.Application:
    """The application with all its routes."""
    app = web.Application(
        client_max_size=BODY_BYTES_MAX, middlewares=[_with_request_id, _cross_origin(origins)]
    )
    app[_HOUSE] = house
    view = View(origins)

    async def post(request: web.Request) -> web.StreamResponse:
        return _as_asked(request, await view(request))

    async def get(request: web.Request) -> web.StreamResponse:
        return await (view.serve_socket if view.is_websocket_request(request) else _page)(request)

    app.router.add_get("/", _page)
    app.router.add_get("/graphql", get)
    app.router.add_post("/graphql", post)
    app.router.add_static("/static/", STATIC)
    add_certificate_routes(app, house, public_url)
    add_admin_routes(app, health)
    return app


async def _page(_: web.Request) -> web.StreamResponse:
    """GraphiQL, from this process alone: it works without any other host."""
    return web.FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)


def _as_asked(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """GraphQL over HTTP: with the new media type a request that was not run has a status that says so."""
    is_asked = RESPONSE_TYPE in request.headers.get("Accept", "")
    if is_asked and isinstance(response, web.Response) and response.content_type.endswith("/json"):
        response.content_type = RESPONSE_TYPE
        response.set_status(200 if (response.text or "").startswith('{"data":') else 400)
    return response


def _unauthorised(fault: Unauthenticated) -> web.HTTPUnauthorized:
    body = {"errors": [{"message": fault.message, "extensions": fault.extensions}]}
    return web.HTTPUnauthorized(
        text=json.dumps(body),
        content_type="application/json",
        headers={"WWW-Authenticate": "Bearer"},
    )


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _with_request_id(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Each request has an id, which the log and the client both get."""
    request["request_id"] = secrets.token_hex(8)
    response = await handler(request)
    if not response.prepared:
        response.headers["X-Request-Id"] = request["request_id"]
    return response


def _cross_origin(origins: Sequence[str]) -> Any:
    """Lets pages of the allowed origins call; tokens are never sent by a browser of its own accord."""

    @web.middleware
    async def answer(request: web.Request, handler: _Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if origin not in origins:
            return await handler(request)
        response = web.Response() if request.method == "OPTIONS" else await handler(request)
        if not response.prepared:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Vary"] = "Origin"
        return response

    return answer
