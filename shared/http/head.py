"""Middleware of HEAD: whatever GET answers at the same address, without its body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """The request goes on as a GET, so that no route has to know of it: same key, same limits, same row in the audit log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        asked = {**scope, "method": "GET"}  # a copy: whoever sends the answer still knows that it has no body
        await self.app(asked, receive, without_body)
        if "route" in asked:
            scope["route"] = asked["route"]
