"""serve_http: the HTTP API, as an HTTP trigger of Function Compute 3.0 calls it: event in, answer out."""

from __future__ import annotations

from shared.runtime.compose import Composer
from shared.runtime.context import Context
from shared.runtime.serve import handle_http
from shared.web.application import make_application

_composer = Composer()
_application = make_application()


def initializer(context: Context) -> None:
    it = _composer.compose(context)
    it.adapters.open_all(it.policy.region)


def handler(event: bytes, context: Context) -> bytes:
    return handle_http(event, context, _composer.compose(context), _application)
