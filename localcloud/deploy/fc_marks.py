"""What is there of what a template made in Function Compute, and how it goes when the template no longer has it."""

from __future__ import annotations

from localcloud.deploy.attributes import Attributes
from localcloud.fc.errors import FcError
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.service import FcService
from localcloud.fc.versions import LATEST


class FcMarks:
    """Marks, see `Kind.mark`: ids are given once, so another function of the same name has another one."""

    def __init__(self, fc: FcService) -> None:
        self._fc = fc

    def layer(self, made: Attributes) -> str:
        """Numbers of versions are not used twice."""
        try:
            return self._fc.layers.find_arn(made["LayerVersionArn"]).arn
        except FcError:
            return ""

    def remove_layer(self, made: Attributes) -> None:
        self._fc.layers.delete(made["LayerName"], str(made["Version"]))

    def function(self, made: Attributes) -> str:
        record = self._record(made["Ref"])
        return "" if record is None else record.function_id

    def remove_function(self, made: Attributes) -> None:
        """With its triggers, those of the API too."""
        key = made["Ref"]
        for trigger in self._fc.triggers.of(key):
            self._fc.triggers.delete(key, trigger.spec.name)
        self._fc.delete_function(key)

    def trigger(self, made: Attributes) -> str:
        found = [one for one in self._fc.triggers.of(made["FunctionName"]) if one.spec.name == made["TriggerName"]]
        return found[0].trigger_id if found else ""

    # -- configurations have no identity but the function's; theirs is the one without a qualifier -------------------
    def concurrency(self, made: Attributes) -> str:
        record = self._record(made["Ref"])
        return "" if record is None or record.reserved_concurrency is None else record.function_id

    def remove_concurrency(self, made: Attributes) -> None:
        self._fc.put_concurrency(made["Ref"], None)

    def provision(self, made: Attributes) -> str:
        record = self._record(made["Ref"])
        return "" if record is None or LATEST not in record.provisioned else record.function_id

    def remove_provision(self, made: Attributes) -> None:
        del self._fc.functions.find(made["Ref"]).provisioned[LATEST]

    def async_config(self, made: Attributes) -> str:
        record = self._record(made["Ref"])
        return "" if record is None or LATEST not in record.async_configs else record.function_id

    def remove_async_config(self, made: Attributes) -> None:
        self._fc.functions.set_async_config(made["Ref"], LATEST, None)

    def _record(self, key: str) -> FunctionRecord | None:
        functions = self._fc.functions
        return functions.find(key) if functions.has(key) else None
