"""The plan of faults as queue triggers ask it: at each batch, by `<function>/<trigger>`."""

from __future__ import annotations

from localcloud.faults import FaultPlan

OPERATION = "DeliverBatch"
"""What a rule of service `fc` names to mean deliveries of queue triggers."""


class TriggerDisturbance:
    """A rule's `path` is looked for in `/triggers/<function>/<trigger>`."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan

    def duplicate(self, name: str) -> bool:
        return self._plan.disturb("duplicate", service="fc", operation=OPERATION, path=f"/triggers/{name}")

    def reorder(self, name: str) -> bool:
        return self._plan.disturb("reorder", service="fc", operation=OPERATION, path=f"/triggers/{name}")
