"""YAML as ROS reads it: no double keys, dates stay text, `!Ref` is `{Ref: …}`."""

from __future__ import annotations

from typing import Any

import yaml

SHORT = {"!Ref": "Ref", "!GetAtt": "Fn::GetAtt", "!Sub": "Fn::Sub", "!Join": "Fn::Join", "!If": "Fn::If"}


def parse(text: str, problems: list[str]) -> dict[str, Any]:
    """The document as plain data. What is wrong with it is added to `problems`."""
    loader = _loader()(text)
    try:
        document = loader.get_single_data()
    except yaml.YAMLError as error:
        problems.append(" ".join(str(error).split()))
        return {}
    finally:
        loader.dispose()
    if not isinstance(document, dict):
        problems.append("the template must be a mapping")
        return {}
    return document


def _loader() -> Any:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class TemplateLoader(base):  # type: ignore[misc]  # whichever loader is installed
        pass

    TemplateLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
    TemplateLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
    for tag, name in SHORT.items():
        TemplateLoader.add_constructor(tag, _short(name))
    return TemplateLoader


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    loader.flatten_mapping(node)
    pairs: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            # YAML 1.1 reads On, Yes and No as booleans.
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is no name; quote it", key_node.start_mark)
        if key in pairs:
            raise yaml.constructor.ConstructorError(None, None, f"{key} stands here twice", key_node.start_mark)
        pairs[key] = loader.construct_object(value_node, deep=True)
    return pairs


def _short(name: str) -> Any:
    def construct(loader: Any, node: Any) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            return {name: loader.construct_scalar(node)}
        return {name: loader.construct_sequence(node, deep=True)}

    return construct
