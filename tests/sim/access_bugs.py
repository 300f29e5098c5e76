"""Planted bugs of access, webhooks out and poison; looked for in the world of access.py."""

from __future__ import annotations

from tests.sim.bug import Bug, bug
from tests.sim.trouble import Aim


def _bug(
    name: str, module: str, old: str, new: str, *, within: int = 100, aim: Aim | None = None, first: int = 1
) -> Bug:
    return bug(name, module, old, new, within=within, aim=aim, first=first, world="access")


ACCESS_BUGS = (
    _bug(
        "a caller charged twice after a lost reply",
        "shared.adapters.usage_ledger",
        'Where(column, "==", _NEVER, pass_if_missing=True),',
        'Where("none", "==", _NEVER, pass_if_missing=True),',
        aim=Aim(("lost reply", "die after"), ("charge",)),
        first=38,
    ),
    _bug(
        "a caller's day without an end",
        "shared.adapters.usage_ledger",
        'Where("used", "<=", limit - units, pass_if_missing=True),',
        'Where("used", "<=", 1 << 40, pass_if_missing=True),',
        first=48,
    ),
    _bug(
        "a plan that is not charged",
        "shared.app.bounds",
        "not hold.run.allowed.units_per_day or not units:",
        "not hold.run.allowed.units_per_day or units < 2:",
    ),
    _bug(
        "a revoked key still taken",
        "shared.app.admit",
        "    if why := row.why_not(now_ms=now_ms):\n",
        '    if why := "":\n',
        first=10,
    ),
    _bug(
        "a signature not verified",
        "shared.app.admit",
        "    if not access.signatures.verifies(",
        "    if False and not access.signatures.verifies(",
    ),
    _bug(
        "a refusal not audited",
        "shared.app.admit",
        "    ports.access.audit.append(entry)\n    if refusal is not None:\n",
        "    if refusal is None:\n        ports.access.audit.append(entry)\n    if refusal is not None:\n",
    ),
    _bug(
        "a lost line of the trail taken for a written one",
        "shared.app.admit",
        "    ports.access.audit.append(entry)\n    if refusal is not None:\n",
        "    try:\n        ports.access.audit.append(entry)\n    except Exception:\n        pass\n"
        "    if refusal is not None:\n",
        aim=Aim(("lost request", "unavailable"), ("append",)),
    ),
    _bug(
        "a stranger's stop obeyed",
        "shared.core.access",
        "    if not caller.grant.is_bounded or owner == caller.name:\n",
        "    if True:\n",
    ),
    _bug(
        "targets of a selection not counted",
        "shared.core.access",
        "    if allowed.targets_max and targets > allowed.targets_max:\n",
        "    if False:\n",
        first=20,
    ),
    _bug(
        "an event skipped after a failure",
        "shared.app.push",
        "    access_of(ports).pusher.send_later(retry, delay_s=delay_s)\n",
        "",
    ),
    _bug(
        "a push given up in silence",
        "shared.app.push",
        "    ports.queue.send_dead_letter(letter)\n",
        "",
        within=150,
    ),
    _bug(
        "a push signed for another id",
        "shared.app.push",
        '("webhook-signature", sign(secret, event_id, timestamp_s, body)),',
        '("webhook-signature", sign(secret, event_id, timestamp_s + 1, body)),',
    ),
    _bug(
        "poison guard left out",
        "shared.app.isolate",
        "    if delivery.begun <= limits.DELIVERIES_MAX:\n        return False\n",
        "    if True:\n        return False\n",
    ),
    _bug(
        "neighbours behind what breaks",
        "shared.app.isolate",
        "    return sorted(messages, key=lambda message: begun.get(counted_as(message), 0))\n",
        "    return sorted(messages, key=lambda message: -begun.get(counted_as(message), 0))\n",
        first=55,
    ),
    _bug(
        "an idempotency key ignored",
        "shared.web.bodies",
        "    return key\n\n\ndef _no_json",
        '    return f"{key}-{ids.new_id()}"\n\n\ndef _no_json',
    ),
    _bug(
        "an idempotency key's other body taken for the first",
        "shared.app.accept",
        "        if stored.body_hash != run.body_hash:\n",
        "        if False:\n",
    ),
    _bug(
        "a stop answered without its mark",
        "shared.app.ask_stop",
        "    leave_mark(ports, run_id=run.run_id, request_id=request.request_id, "
        "instance_ids=request.instance_ids or ())\n",
        "",
    ),
    _bug(
        "a stop of some taken for one of all",
        "shared.app.ask_stop",
        "request_id=request.request_id, instance_ids=request.instance_ids or ())\n",
        "request_id=request.request_id, instance_ids=())\n",
        first=13,
    ),
    _bug(
        "an answer before the run is written",
        "shared.app.accept",
        "    return ports.runs.insert_run(run)\n",
        "    return True\n",
    ),
    _bug(
        "a forged webhook taken",
        "shared.app.hooks",
        "        if not verify_github(secrets,",
        "        if False and not verify_github(secrets,",
        first=7,
    ),
    _bug(
        "an unwanted webhook taken",
        "shared.core.hooks",
        "    return not row.when or bool(",
        "    return True or bool(",
        first=7,
    ),
    _bug(
        "a hook's grant forgotten",
        "shared.app.hooks",
        '    caller = Caller(f"hook:{name}", row.grant.role, row.grant,',
        '    caller = Caller(f"hook:{name}", row.grant.role, Grant(name="any"),',
        first=7,
    ),
    _bug(
        "a webhook's delivery known by what is not signed",
        "shared.app.hooks",
        "        return row, hashlib.sha256(body).hexdigest()\n",
        "        return row, github_delivery(headers)\n",
        first=7,
    ),
    _bug(
        "a webhook that comes again run again",
        "shared.app.hooks",
        "request_id=request_id_of(row.name, signed_name))",
        "request_id=request_id_of(row.name, signed_name + entry_id))",
        first=7,
    ),
    _bug(
        "who has gone told all the same",
        "shared.app.push",
        "            return _end(ports, row, event_id, rounds)\n",
        '            return "dropped"\n',
        first=3,
    ),
    _bug(
        "who has gone told of what waits for another try",
        "shared.app.push",
        '    if row is None or row.status != "Active":\n',
        "    if row is None:\n",
        first=3,
    ),
    _bug(
        "who has gone told of what came in the same batch",
        "shared.app.push",
        "    rounds.subscriptions = None  # read",
        "    # read",
        first=35,
    ),
)
