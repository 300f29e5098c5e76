"""Scripts as text with `{{parameters}}` in it: decoded, looked through, filled in.

Rules (parameter documents of RunCommand, 2026): names are letters, digits, hyphens and underscores, case-insensitive,
of at most 64 bytes; blanks and line ends within the braces do not count; `ACS::` is reserved for what the system knows.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.ecs.values import Tags

PLACE = re.compile(rb"\{\{([^{}]*)\}\}")
NAME = re.compile(r"[A-Za-z0-9_-]+")
SYSTEM = re.compile(r"ACS\s*::\s*([\w.-]+)", re.ASCII)
STORES = ("oos:", "oos-secret:")
"""Prefixes of what the agent fetches from the OOS parameter store."""


class UnknownBuiltIn(Exception):
    """`{{ACS::…}}` that does not exist."""


def decode(text: str, encoding: str, code: str = "CmdContent.DecodeError") -> bytes:
    """The script's bytes. `encoding` is "PlainText" or "Base64", whatever the case; raises `code`."""
    if encoding.lower() == "plaintext":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EcsError(code, "The CommandContent is not Base64; is ContentEncoding=PlainText missing?") from error


def encode(content: bytes, encoding: str) -> str:
    """As results are shown. In PlainText, bytes that are not UTF-8 become U+FFFD, as JSON cannot hold them."""
    if encoding.lower() == "plaintext":
        return content.decode("utf-8", "replace")
    return base64.b64encode(content).decode()


def check_size(content: bytes, limits: Limits, code: str = "CmdContent.ExceedLimit") -> None:
    size = (len(content) + 2) // 3 * 4
    if size > limits.content_base64_bytes_max:
        raise EcsError(
            code, f"The content is {size} bytes in Base64; {limits.content_base64_bytes_max} are the upper limit."
        )


def defined_names(content: bytes, limits: Limits) -> tuple[str, ...]:
    """The custom parameters of a script, in order of appearance, each once.

    Raises CmdParam.EmptyKey, CmdParam.InvalidParamName, CmdParamName.ExceedLimit, CmdParamCount.ExceedLimit.
    """
    names: dict[str, str] = {}
    for match in PLACE.finditer(content):
        name = _name_in(match)
        if SYSTEM.fullmatch(name) or name.startswith(STORES):
            continue
        if not name:
            raise EcsError("CmdParam.EmptyKey")
        if len(name.encode()) > limits.parameter_name_bytes_max:
            raise EcsError("CmdParamName.ExceedLimit")
        if not NAME.fullmatch(name):
            raise EcsError("CmdParam.InvalidParamName", f"The custom parameter {name!r} has characters not allowed.")
        names.setdefault(name.lower(), name)
    if len(names) > limits.parameters_defined_max:
        raise EcsError("CmdParamCount.ExceedLimit")
    return tuple(names.values())


def check_values(
    passed: Tags | None, *, defined: tuple[str, ...], enabled: bool, content: bytes, limits: Limits
) -> Mapping[str, str]:
    """The values by the names as they were passed. Raises what is wrong with them."""
    if not enabled:
        if passed:
            raise EcsError("Parameter.Disabled")
        return {}
    if passed is None:
        if defined:
            raise EcsError("Parameter.MissingValue", f"The command needs Parameters: {', '.join(defined)}.")
        return {}
    if len(passed) > limits.parameters_passed_max:
        raise EcsError("ParameterCount.ExceedLimit")
    known = {name.lower() for name in defined}
    values: dict[str, str] = {}
    for name, value in passed:
        if not 1 <= len(name.encode()) <= limits.parameter_name_bytes_max:
            raise EcsError("ParameterKey.ExceedLimit")
        if name.lower() not in known:
            raise EcsError("Parameter.NotMatched", f"The command defines no parameter {name!r}.")
        if name.lower() in {other.lower() for other in values}:
            raise EcsError("ParameterKey.Duplicate", f"The parameter {name!r} is there twice.")
        values[name] = value
    if limits.missing_parameters == "refuse" and len(values) < len(defined):
        raise EcsError("Parameter.MissingValue")
    check_size(filled(content, values, builtins=None), limits)
    return values


def filled(content: bytes, values: Mapping[str, str], *, builtins: Mapping[str, str] | None) -> bytes:
    """The script with its parameters in place; those without a value are empty.

    `builtins` None leaves `{{ACS::…}}` as it is. Raises UnknownBuiltIn.
    """
    by_name = {name.lower(): value.encode("utf-8", "surrogatepass") for name, value in values.items()}

    def put(match: re.Match[bytes]) -> bytes:
        name = _name_in(match)
        system = SYSTEM.fullmatch(name)
        if system is not None:
            if builtins is None:
                return match.group()
            if system.group(1) not in builtins:
                raise UnknownBuiltIn(name)
            return builtins[system.group(1)].encode()
        return match.group() if name.startswith(STORES) else by_name.get(name.lower(), b"")

    return PLACE.sub(put, content)


def asks_parameter_store(content: bytes) -> bool:
    return any(_name_in(match).startswith(STORES) for match in PLACE.finditer(content))


def _name_in(match: re.Match[bytes]) -> str:
    return match.group(1).decode("utf-8", "replace").strip()
