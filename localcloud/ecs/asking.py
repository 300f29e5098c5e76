"""What the operations read from a call in the same way: paging, encodings, tags, booleans, parameters of scripts."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.ecs import rpc
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits, Range
from localcloud.ecs.paging import PageAsked
from localcloud.ecs.rpc import Call
from localcloud.ecs.service import EcsService
from localcloud.ecs.values import Tags


@dataclass(frozen=True, slots=True)
class ParameterCodes:
    """What an operation calls the faults of Parameters that are seen before the command is looked at."""

    malformed: str
    duplicate: str
    bad_type: str


PAGE_CODES = ("InvalidParam.PageNumber", "InvalidParam.PageSize")
INVOKING = ParameterCodes("InvalidParameter.Parameters", "ParameterKey.Duplicate", "ParameterType.NotSupported")
MODIFYING = ParameterCodes(
    "InvalidParameters.KeyMalformed", "InvalidParameters.KeyDuplicate", "InvalidParameters.ValueTypeUnsupported"
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every operation is handed."""

    service: EcsService
    call: Call

    @property
    def region(self) -> str:
        return self.call.region

    @property
    def limits(self) -> Limits:
        return self.service.limits

    def text(self, name: str, default: str = "") -> str:
        return rpc.text(self.call, name, default)

    def required(self, name: str) -> str:
        return rpc.required(self.call, name)

    def given(self, name: str) -> str | None:
        """None: not said. An empty text is a value."""
        return self.call.parameters.get(name)

    def boolean(self, name: str) -> bool | None:
        """None: not said."""
        if not rpc.text(self.call, name):
            return None
        return rpc.boolean(self.call, name, any_case=self.limits.booleans == "any-case")

    def is_true(self, name: str) -> bool:
        return self.boolean(name) or False

    def seconds(self, name: str) -> int | None:
        return rpc.integer(self.call, name, 0) if rpc.text(self.call, name) else None

    def ids(self, name: str = "InstanceId") -> tuple[str, ...]:
        return rpc.numbered_list(self.call, name)

    def tags(self, name: str = "Tag") -> Tags:
        return rpc.tag_list(self.call, name)

    def encoding(self, default: str) -> str:
        """An unknown ContentEncoding counts as the default."""
        said = rpc.text(self.call, "ContentEncoding").lower()
        return {"plaintext": "PlainText", "base64": "Base64"}.get(said, default)

    def script_parameters(self, codes: ParameterCodes = INVOKING) -> Tags | None:
        """Parameters, a JSON object of texts (numbers are taken as they are written). None: not said."""
        found = rpc.json_object(self.call, "Parameters", code=codes.malformed, duplicate_code=codes.duplicate)
        if found is None:
            return None
        for name, value in found.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise EcsError(codes.bad_type, f"The value of the parameter {name[:64]!r} must be a string.")
        return tuple((name, str(value)) for name, value in found.items())

    def page(self) -> PageAsked:
        """PageNumber and PageSize, or NextToken and MaxResults, as the Cloud Assistant operations have them."""
        sizes, default = self.limits.page_size, self.limits.page_size_default
        token = self.text("NextToken")
        if token or self.text("MaxResults"):
            size = rpc.integer(self.call, "MaxResults", default, sizes.low, sizes.high, "InvalidParameter.MaxResults")
            return PageAsked(1, size, token, by_token=True)
        return self.numbered_page(sizes, default)

    def token_page(self) -> PageAsked:
        """As ListTagResources has them: by NextToken only, the size is the service's."""
        return PageAsked(1, self.limits.page_size_default, self.text("NextToken"), by_token=True)

    def instances_page(self) -> PageAsked:
        """As DescribeInstances has them: a MaxResults below 10 or above 100 counts as 10 or 100."""
        sizes, default = self.limits.instances_page_size, self.limits.page_size_default
        token = self.text("NextToken")
        if token or self.text("MaxResults"):
            size = rpc.integer(self.call, "MaxResults", default, code="InvalidParameter.MaxResults")
            return PageAsked(1, min(max(size, default), sizes.high), token, by_token=True)
        return self.instances_numbered_page(sizes, default)

    def instances_numbered_page(self, sizes: Range, default: int) -> PageAsked:
        """The operations on instances have no codes of their own for a page that cannot be."""
        return self.numbered_page(sizes, default, codes=("InvalidParameter", "InvalidParameter"))

    def numbered_page(self, sizes: Range, default: int, codes: tuple[str, str] = PAGE_CODES) -> PageAsked:
        number = rpc.integer(self.call, "PageNumber", 1, 1, None, codes[0])
        size = rpc.integer(self.call, "PageSize", default, sizes.low, sizes.high, codes[1])
        return PageAsked(number, size, numbered=bool(self.text("PageNumber") or self.text("PageSize")))
