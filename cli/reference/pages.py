"""Every made page by its path, and the pages of which a part is made."""

from __future__ import annotations

import typing
from pathlib import Path

from cli.event_types import Event
from cli.reference import bounds, life, routes_page, samples, settings_page, types
from cli.reference.markdown import has_part, with_part
from cli.reference.types import Type
from localcloud import coverage
from shared.adapters import limits as call_limits
from shared.core import limits, transitions
from shared.core.requests import Request

ROOT = Path(__file__).resolve().parents[2]
_MADE = "<!-- Made out of the code by `make docs`; change it there. -->\n\n"
_IN_README = (
    "INSTANCES_PER_CHUNK_MAX",
    "DAILY_QUOTA_DEFAULT",
    "TIMEOUT_S_MIN",
    "TIMEOUT_S_MAX",
    "CONTENT_BYTES_MAX",
    "PARAMETERS_MAX",
    "OUTPUT_BYTES_MAX",
    "MESSAGE_BYTES_MAX",
    "TARGETS_MAX",
)


def pages() -> dict[str, str]:
    """Path below the root → text, as it should be."""
    made = {
        "docs/limits.md": _limits(),
        "docs/messages.md": _messages(),
        "docs/events.md": _events(),
        "docs/settings.md": _settings(),
        "docs/run-life.md": _life(),
    }
    return {name: _MADE + text for name, text in made.items()} | _written()


def _written() -> dict[str, str]:
    """Pages that people write, with the parts that they leave to us."""
    parts = {
        "README.md": {
            "run": life.picture(transitions.RUN, first="Accepted"),
            "limits": bounds.selected(limits, _IN_README),
            "request": _json(samples.request_text("invoke")),
            "event": _json(samples.event_text(_members(Event)["RunPlanned"])),
        },
        "docs/http.md": {"routes": routes_page.routes_table()},
        "localcloud/README.md": {f"{name} operations": text for name, text in coverage.tables().items()}
        | {f"{name} switches": text for name, text in coverage.switches().items()}
        | {"ECS parameters": coverage.parameters()},
    }
    found = {}
    for page, texts in parts.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        for name, part in texts.items():
            text = with_part(text, name, part) if has_part(text, name) else text
        found[page] = text
    return found


def _limits() -> str:
    return (
        "# Limits\n\n"
        'Every bound that fleetrun keeps. "Seed" is the Cloud Assistant user guide of winter 2018/19, whose numbers '
        'the project keeps unless told otherwise; "ours" is a choice of ours; "unverified": we found no page.\n\n'
        f"## Requests, runs and schedules\n\n{bounds.sections(limits)}\n"
        f"## Calls to the services\n\n{bounds.sections(call_limits)}"
    )


def _messages() -> str:
    schemas = types.definitions(Request)
    text = (
        "# Messages\n\n"
        "What the queues `fleetrun-requests` and `fleetrun-stops` take: JSON, UTF-8, field names in camelCase. A field "
        "that is not in a table is refused, and the refusal names it. The JSON Schema is `events/schema/request.json`; "
        "lengths and ranges are in [limits](limits.md).\n"
    )
    shown: set[str] = set()
    for name, struct in _members(Request).items():
        tag = str(struct.__struct_config__.tag)
        text += f"\n## {name}\n\n{types.about(struct)}\n\n{types.fields_table(struct, schemas[name])}\n"
        text += _json(samples.request_text(tag))
        text += _parts(struct, schemas, shown)
    return text


def _events() -> str:
    schemas = types.definitions(Event)
    members = _members(Event)
    first = next(iter(members.values()))
    envelope = dict(schemas[first.__name__])
    envelope["properties"] = {
        **envelope["properties"],
        "type": {"type": "one of those below"},
        "data": {"type": "what that type says"},
    }
    text = (
        "# Events\n\n"
        "What fleetrun publishes to the topic `fleetrun-events`; the queue of the same name is subscribed to it. Each "
        "is CloudEvents 1.0 JSON, at least once: drop repeats by `id`. `sequence` numbers the events of a run without "
        "gaps, and text order is number order. The JSON Schema is `events/schema/event.json`.\n\n"
        f"## The envelope\n\n{types.fields_table(first, envelope)}"
    )
    shown: set[str] = set()
    for name, struct in members.items():
        data = _data_of(struct)
        text += f"\n## {struct.__struct_config__.tag}\n\n{types.about(data)}\n\n"
        text += types.fields_table(data, schemas[data.__name__]) + "\n" + _json(samples.event_text(struct))
        text += _parts(data, schemas, shown)
        shown.add(name)
    return text


def _data_of(struct: Type) -> Type:
    data: Type = typing.get_type_hints(struct)["data"]
    return data


def _parts(struct: Type, schemas: typing.Mapping[str, types.Schema], shown: set[str]) -> str:
    """The types that the fields speak of, each once a page."""
    text, by_name = "", _structs_in(struct)
    for name in types.parts_of(struct, schemas):
        if name not in shown:
            shown.add(name)
            text += (
                f"\n### {name}\n\n{types.about(by_name[name])}\n\n{types.fields_table(by_name[name], schemas[name])}"
            )
    return text


def _structs_in(struct: Type) -> dict[str, Type]:
    """Every struct that the hints of a struct reach, by name."""
    found: dict[str, Type] = {}
    waiting: list[typing.Any] = list(typing.get_type_hints(struct).values())
    while waiting:
        hint = waiting.pop()
        waiting.extend(typing.get_args(hint))
        if isinstance(hint, type) and hasattr(hint, "__struct_fields__") and hint.__name__ not in found:
            found[hint.__name__] = hint
            waiting.extend(typing.get_type_hints(hint).values())
    return found


def _settings() -> str:
    template = settings_page.read_template(ROOT / "template.yml")
    return (
        "# Settings\n\n"
        "Functions read them from their environment, which `template.yml` fills; the command `fleetrun` reads the same "
        "ones from yours (`fleetrun local --print-env` prints them for the local cloud). They are read once; a missing "
        "or wrong one stops the start with its name.\n\n"
        f"{settings_page.settings_table(template)}\n"
        f"## Parameters of template.yml\n\n{settings_page.parameters_table(template)}"
    )


def _life() -> str:
    return (
        "# The life of a run\n\n"
        "Drawn from `shared/core/transitions.py`, which the stores and the simulation are judged by.\n\n"
        f"## Run\n\n{life.picture(transitions.RUN, first='Accepted')}\n{life.rows('RUN')}\n"
        f"## Chunk\n\nThe targets of one InvokeCommand call.\n\n{life.picture(transitions.CHUNK, first='Planned')}\n"
        f"{life.rows('CHUNK')}\n"
        f"## Target\n\nOne instance of a run. Outcomes that ECS names: {life.listed(transitions.ENDS_OF_ECS)}. Ours: "
        f"{life.listed(transitions.ENDS_OF_OURS)}. Against `maxErrors` count {life.listed(transitions.FAILURES)}.\n\n"
        f"{life.rows('TARGET')}"
    )


def _members(union: typing.Any) -> dict[str, Type]:
    return {struct.__name__: struct for struct in typing.get_args(union)}


def _json(text: str) -> str:
    return f"```json\n{text}\n```\n"
