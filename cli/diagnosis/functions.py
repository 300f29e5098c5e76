"""Functions and their triggers, over aliyun-fc2 (API 2016-08-15).

That API knows services: where there is none of ours, it cannot show the functions, and nothing can be said of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cli.diagnosis.expected import Expected
from cli.diagnosis.finding import Finding, fail, ok, warn
from shared.adapters.credentials import Credentials
from shared.adapters.fc import SERVICE
from shared.core.errors import FleetrunError, Refused, Unavailable

ANSWER_S_MAX = 15
"""Ours."""
SEALING_KEY = "FLEETRUN_SEALING_KEY"
_STACK = "update the stack from template.yml"


def check(
    endpoint: str, credentials: Credentials, wanted: Expected, *, has_webhooks: bool = False
) -> Iterator[Finding]:
    """`has_webhooks`: known to be so; a function that has a SealingKey shows it, too."""
    import fc2

    client = fc2.Client(
        endpoint=endpoint,
        accessKeyID=credentials.access_key_id,
        accessKeySecret=credentials.access_key_secret,
        securityToken=credentials.security_token,
        Timeout=ANSWER_S_MAX,
    )
    if _asked(f"GetService {SERVICE}", lambda: client.get_service(SERVICE, headers={})) is None:
        yield warn(
            "functions",
            f"there is no service {SERVICE}: functions of FC 3.0 do not show through API 2016-08-15",
            "look at them in the console: " + ", ".join(sorted(wanted.functions)),
        )
        return
    for name in sorted(wanted.functions):
        yield _function(client, name, wanted, has_webhooks=has_webhooks)


def _function(client: Any, name: str, wanted: Expected, *, has_webhooks: bool) -> Finding:
    found = _asked(f"GetFunction {name}", lambda: client.get_function(SERVICE, name, headers={}))
    if found is None:
        return fail("functions", f"{name} is missing", _STACK)
    has_webhooks = has_webhooks or bool((found.get("environmentVariables") or {}).get(SEALING_KEY))
    triggers = (wanted.webhook_functions if has_webhooks else wanted.functions)[name]
    listed = _asked(f"ListTriggers {name}", lambda: client.list_triggers(SERVICE, name, headers={})) or {}
    there = {str(each.get("triggerName")) for each in listed.get("triggers") or []}
    missing = sorted(set(triggers) - there)
    if missing:
        return fail("functions", f"{name} has no trigger {', '.join(missing)}: nothing calls it", _STACK)
    # Those that are there: one that the template makes under a condition (a timed request) is not awaited, but shown.
    named = ", ".join(sorted(there)) or "none"
    return ok("functions", f"{name}: {found.get('runtime')}, {found.get('timeout')} s, triggers: {named}")


def _asked(what: str, act: Callable[[], Any]) -> dict[str, Any] | None:
    """The answer's document; None for what does not exist. Raises Refused, Unavailable."""
    from fc2.fc_exceptions import FcError
    from requests.exceptions import RequestException

    try:
        data = act().data
    except FcError as error:
        if error.status_code == 404:
            return None
        raise _refusal(what, error) from None
    except (RequestException, ValueError):
        raise Unavailable(f"{what}: Function Compute cannot be reached", code="NoConnection") from None
    return data if isinstance(data, dict) else {}


def _refusal(what: str, error: Any) -> FleetrunError:
    code = str(error.err_code or f"HTTP{error.status_code}")
    family = Unavailable if error.status_code == 429 or error.status_code >= 500 else Refused
    return family(f"{what}: {code}", code=code, request_id=str(error.request_id or ""))
