"""Makes what a template describes, each resource after what it needs; answers the template's outputs.

    template = read(options, url=url)
    outputs = deploy(template, makers)

Making is idempotent as far as the state of an earlier start is concerned: queues and tables that are there stay, with
what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.options import Options
from localcloud.template import Template, TemplateError, read_template
from localcloud.template_yaml import parse

Maker = Callable[[Properties], Attributes]


def read(options: Options, *, url: str) -> Template:
    """The options' template, with the parameters that a local cloud sets itself. Raises TemplateError."""
    path = options.template_path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError([f"{path}: cannot be read: {error}"]) from error
    account = options.account
    pseudo = {
        "ALIYUN::Region": account.region,
        "ALIYUN::TenantId": account.account_id,
        "ALIYUN::AccountId": account.account_id,
        "ALIYUN::StackName": "local",
        "ALIYUN::StackId": "00000000-0000-0000-0000-000000000000",
        "ALIYUN::NoValue": "ALIYUN::NoValue",
    }
    parameters = {**_own_parameters(options, text, url=url), **options.parameters}
    return read_template(text, parameters=parameters, pseudo=pseudo)


def _own_parameters(options: Options, text: str, *, url: str) -> dict[str, Any]:
    """What a template can be told about this cloud, as far as it asks."""
    document = parse(text, [])
    asked = document.get("Parameters") if isinstance(document, Mapping) else None
    known: dict[str, Any] = {
        "EcsEndpoint": url,
        "MnsEndpoint": url,
        "TablestoreEndpoint": url,
        "InstanceName": options.account.tablestore_instance,
        "WarmInstances": options.warm_instances,
        "AdminKey": options.account.admin_key,
        "SealingKey": options.account.sealing_key,
        # Whoever tries webhooks out here receives them here.
        "PushNetworks": "127.0.0.0/8,::1/128",
    }
    return {name: value for name, value in known.items() if isinstance(asked, Mapping) and name in asked}


def deploy(template: Template, makers: Mapping[str, Maker]) -> dict[str, Any]:
    """Raises TemplateError naming the resource."""
    made: dict[str, Attributes] = {}
    for resource in template.resources:
        maker = makers.get(resource.type)
        if maker is None:
            raise TemplateError([f"Resources.{resource.name}.Type: {resource.type} is not offered by the local cloud"])
        try:
            made[resource.name] = maker(template.properties(resource, made))
        except CannotMake as error:
            raise TemplateError([f"Resources.{resource.name}.Properties: {error}"]) from error
    return template.output_values(made)
