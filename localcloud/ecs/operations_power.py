"""Operations that start, stop and boot instances: one, or up to a hundred at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from localcloud.ecs.asking import Desk
from localcloud.ecs.documents import Document
from localcloud.ecs.errors import EcsError
from localcloud.ecs.power import Transition
from localcloud.ecs.values import StoppedMode

MODES = ("AllTogether", "SuccessFirst")
STOPPED_MODES: Mapping[str, StoppedMode] = {
    "": "KeepCharging", "KeepCharging": "KeepCharging", "StopCharging": "StopCharging",
}  # fmt: skip
Act = Callable[[str, Sequence[str], bool], list[Transition]]
"""Region, ids, and whether it is a dry run: then only what would be refused is refused."""


# -- one instance ------------------------------------------------------------------------------------------------------


def _start_instance(desk: Desk) -> Document:
    return _one(desk, desk.service.power.start)


def _stop_instance(desk: Desk) -> Document:
    if desk.is_true("Hibernate"):
        raise EcsError("UnsupportedParameter", "The local cloud does not offer the parameter Hibernate.")
    return _one(desk, _stopping(desk))


def _reboot_instance(desk: Desk) -> Document:
    return _one(desk, desk.service.power.reboot)


def _one(desk: Desk, act: Act) -> Document:
    """RegionId may be left out: the instance's id is enough."""
    instance_id = desk.required("InstanceId")
    region = desk.region or desk.service.instances.region_of(instance_id) or desk.service.account.region
    is_dry = desk.is_true("DryRun")
    act(region, [instance_id], is_dry)
    if is_dry:
        raise EcsError("DryRunOperation")
    return {}


# -- some instances ----------------------------------------------------------------------------------------------------


def _start_instances(desk: Desk) -> Document:
    return _some(desk, desk.service.power.start)


def _stop_instances(desk: Desk) -> Document:
    return _some(desk, _stopping(desk))


def _reboot_instances(desk: Desk) -> Document:
    return _some(desk, desk.service.power.reboot)


def _some(desk: Desk, act: Act) -> Document:
    ids = desk.ids()
    if not ids:
        raise EcsError("InvalidInstanceId.NotFound", "InstanceId should not be null.", status=403)
    if len(ids) > desk.limits.instances_per_describe_max:
        raise EcsError("InvalidParameter.TooManyInstanceIds")
    mode, is_dry = desk.text("BatchOptimization", "AllTogether"), desk.is_true("DryRun")
    if mode not in MODES:
        raise EcsError("InvalidParameter", f"BatchOptimization is {mode[:40]!r}; {' or '.join(MODES)}.")
    if is_dry:
        if mode == "AllTogether":
            act(desk.region, ids, True)
        raise EcsError("DRYRUN.SUCCESS")
    if mode == "AllTogether":
        rows = [_row(made) for made in act(desk.region, ids, False)]
    else:
        rows = [_tried(desk, act, instance_id) for instance_id in dict.fromkeys(ids)]
    return {"InstanceResponses": {"InstanceResponse": rows}}


def _tried(desk: Desk, act: Act, instance_id: str) -> Document:
    """One of a SuccessFirst: what is wrong with it is said in its row."""
    try:
        (made,) = act(desk.region, [instance_id], False)
    except EcsError as error:
        instance = desk.service.instances.find(desk.region, instance_id)
        status = instance.status if instance else ""
        return {
            "InstanceId": instance_id,
            "PreviousStatus": status,
            "CurrentStatus": status,
            "Code": error.code,
            "Message": error.message,
        }
    return _row(made)


def _row(made: Transition) -> Document:
    return {
        "InstanceId": made.instance_id,
        "PreviousStatus": made.before,
        "CurrentStatus": made.after,
        "Code": "200",
        "Message": "success",
    }


def _stopping(desk: Desk) -> Act:
    said = desk.text("StoppedMode")
    if said not in STOPPED_MODES:
        raise EcsError("InvalidParameter", f"StoppedMode is {said[:40]!r}; KeepCharging or StopCharging.")
    return partial(desk.service.power.stop, mode=STOPPED_MODES[said])


POWER_OPERATIONS: Mapping[str, Callable[[Desk], Document]] = {
    "RebootInstance": _reboot_instance,
    "RebootInstances": _reboot_instances,
    "StartInstance": _start_instance,
    "StartInstances": _start_instances,
    "StopInstance": _stop_instance,
    "StopInstances": _stop_instances,
}
