"""Reads a template for this cloud, and makes what it describes, each resource after what it needs.

    template = read(options, url=url)
    outputs = deploy(template, makers)

Makers make, or change what is there into what is asked for: queues and tables stay, with what is in them. `applied`
makes what differs from the last time only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.options import Options
from localcloud.template import Resource, Template, TemplateError, read_template
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
    """Makes everything; answers the template's outputs. Raises TemplateError naming the resource."""

    def make(resource: Resource, properties: Properties) -> Attributes:
        maker = makers.get(resource.type)
        if maker is None:
            raise not_offered(resource)
        return maker(properties)

    return template.output_values(each(template, make))


def each(template: Template, make: Callable[[Resource, Properties], Attributes]) -> dict[str, Attributes]:
    """`make` of each resource after what it needs, by its name. Raises TemplateError where `make` raises CannotMake."""
    made: dict[str, Attributes] = {}
    for resource in template.resources:
        try:
            made[resource.name] = make(resource, template.properties(resource, made))
        except CannotMake as error:
            raise TemplateError([f"Resources.{resource.name}.Properties: {error}"]) from error
    return made


def not_offered(resource: Resource) -> TemplateError:
    return TemplateError([f"Resources.{resource.name}.Type: {resource.type} is not offered by the local cloud"])
