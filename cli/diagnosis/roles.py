"""The functions' roles: does each allow what template.yml says it must? Asked of RAM, which is one for all regions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from cli.diagnosis.expected import Expected
from cli.diagnosis.finding import Finding, fail, ok, warn
from shared.adapters import limits
from shared.adapters.credentials import Credentials
from shared.core.errors import Refused, Unavailable

RAM = "ram.aliyuncs.com"
VERSION = "2015-05-01"
_STACK = "update the stack from template.yml"


def check(credentials: Credentials, wanted: Expected, *, address: str = f"https://{RAM}") -> Iterator[Finding]:
    ram = _Ram(credentials, address)
    for name in sorted(wanted.roles):
        try:
            allowed = ram.allowed(name)
        except Refused as error:
            if error.code == "EntityNotExist.Role":
                yield fail("roles", f"{name} is missing: its functions can do nothing", _STACK)
            else:
                advice = "these keys may not look at roles (ram:GetRole, ram:ListPoliciesForRole, ram:GetPolicyVersion)"
                yield warn("roles", f"{name}: {error.message}", advice)
            continue
        missing = sorted(
            action for action in wanted.roles[name] if not any(fnmatchcase(action, pattern) for pattern in allowed)
        )
        if missing:
            yield fail("roles", f"{name} does not allow {', '.join(missing)}", _STACK)
        else:
            yield ok("roles", f"{name} allows all of its {len(wanted.roles[name])} actions")


class _Ram:
    """Raises Refused and Unavailable."""

    def __init__(self, credentials: Credentials, address: str) -> None:
        self._credentials = credentials
        self._scheme, _, self._host = address.partition("://")

    def allowed(self, role: str) -> set[str]:
        """Actions, which may hold `*`, that the role's policies allow."""
        self._ask("GetRole", RoleName=role)
        answer = self._ask("ListPoliciesForRole", RoleName=role)
        policies = (answer.get("Policies") or {}).get("Policy") or []
        return {action for policy in policies for action in self._actions(policy)}

    def _actions(self, policy: Mapping[str, Any]) -> set[str]:
        answer = self._ask(
            "GetPolicyVersion",
            PolicyName=str(policy["PolicyName"]),
            PolicyType=str(policy["PolicyType"]),
            VersionId=str(policy.get("DefaultVersion") or "v1"),
        )
        document = str((answer.get("PolicyVersion") or {}).get("PolicyDocument") or "{}")
        # Some answers have it percent-encoded.
        statements = json.loads(document if document.startswith("{") else unquote(document)).get("Statement") or []
        return {
            action
            for statement in statements
            if statement.get("Effect") == "Allow"
            for action in _listed(statement.get("Action"))
        }

    def _ask(self, action: str, **parameters: str) -> dict[str, Any]:
        from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
        from aliyunsdkcore.request import CommonRequest

        request = CommonRequest(domain=self._host, version=VERSION, action_name=action)
        request.set_method("POST")
        request.set_protocol_type(self._scheme)
        for name, value in parameters.items():
            request.add_query_param(name, value)
        try:
            answer = json.loads(self._client().do_action_with_exception(request))
        except ServerException as error:
            raise Refused(f"{action}: {error.error_code}", code=str(error.error_code)) from None
        except ClientException as error:
            raise Unavailable(f"{action}: RAM cannot be reached", code="NoConnection") from error
        except ValueError:
            raise Unavailable(f"{action}: an answer that is not JSON", code="NoAnswer") from None
        return answer if isinstance(answer, dict) else {}

    def _client(self) -> Any:
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        keys = self._credentials
        sts = keys.security_token
        return AcsClient(
            None if sts else keys.access_key_id,
            None if sts else keys.access_key_secret,
            "cn-hangzhou",
            auto_retry=False,
            timeout=limits.READ_S_MAX,
            connect_timeout=limits.CONNECT_S_MAX,
            credential=StsTokenCredential(keys.access_key_id, keys.access_key_secret, sts) if sts else None,
        )


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []
