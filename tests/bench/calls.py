"""What one run asks of the cloud, counted by the local cloud's request log, beside the least that would do.

The least: each target described once (100 a call) and its agent asked for once (100 a call), a call per chunk, one poll
that sees all ended and fetches the output of each chunk; of the queues one message in, one wake-up, and every event.
"""

from __future__ import annotations

from typing import Any

SIZES = (50, 500, 5_000)
REPORTED = ("ecs", "mns", "tablestore")
INSTANCES_PER_CALL, INSTANCES_PER_CHUNK = 100, 50


def measure() -> dict[str, Any]:
    return {str(size): _one(size) for size in SIZES}


def _one(size: int) -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    from tests.e2e.world import invoke, whole

    with tempfile.TemporaryDirectory() as folder:
        fleet = Path(folder) / "fleet.yml"
        fleet.write_text(f"groups: [{{count: {size}, name: 'web-{{number:05}}', tags: {{env: demo}}}}]\n")
        with whole(fleet=fleet, executor="simulated") as world:
            world.cloud.do(lambda cloud: cloud.log.clear())
            # Counted before anybody looks at the run: following it is reading, too.
            run_id = world.send(invoke(f"count-{size}", script="# simulate: duration=500ms\n"))
            _wait_silently(world, run_id)
            counts = world.cloud.do(lambda cloud: cloud.log.counts())
            run = world.ended(run_id)
    by_service = {
        service: {operation: count.requests for operation, count in counts.get(service, {}).items()}
        for service in REPORTED
    }
    return {
        "targets": size,
        "durationMs": run.finished_ms - run.accepted_ms,
        "status": run.status,
        "calls": by_service,
        "totals": {service: sum(by_service[service].values()) for service in REPORTED},
        "least": least(size),
    }


def _wait_silently(world: Any, run_id: str) -> None:
    """Until the run's row says that all is done, read from inside the local cloud: not counted."""
    from tests.e2e.world import until

    def settled() -> bool:
        row = world.cloud.do(lambda cloud: cloud.services.tablestore.get_row("runs", (run_id, "run")).row)
        return row is not None and dict(row.columns).get("due_ms") is not None and _value(row, "due_ms") == 0

    until(f"the end of {run_id}", settled, wait_s=300)


def _value(row: Any, name: str) -> Any:
    cell = row.columns[name]
    return cell[0][1] if isinstance(cell, list | tuple) else cell


def least(size: int) -> dict[str, int]:
    chunks, described = -(-size // INSTANCES_PER_CHUNK), -(-size // INSTANCES_PER_CALL)
    # ECS: describe, agents, invoke, fetch, and the command made and deleted. MNS: the request, one wake-up, the events.
    return {"ecs": 2 * described + 2 * chunks + 2, "mns": 2 + 3 + 2 * chunks}


def told(figures: dict[str, Any]) -> str:
    lines = [f"  {'targets':>8} {'time':>9} {'ECS':>6} {'least':>6} {'MNS':>6} {'least':>6} {'Tablestore':>11}\n"]
    for row in figures.values():
        totals = row["totals"]
        lines.append(
            f"  {row['targets']:>8,} {row['durationMs'] / 1000:>7.1f} s {totals['ecs']:>6} {row['least']['ecs']:>6}"
            f" {totals['mns']:>6} {row['least']['mns']:>6} {totals['tablestore']:>11}\n"
        )
        for service in REPORTED:
            parts = ", ".join(f"{name} {count}" for name, count in row["calls"][service].items())
            lines.append(f"           {service}: {parts}\n")
    return "".join(lines)
