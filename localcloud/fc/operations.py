"""Every administrative operation that is offered, by API version and the vendor's name of it."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.fc import (
    operations_configs,
    operations_domains,
    operations_functions,
    operations_layers,
    operations_services,
    operations_tags,
    operations_triggers,
    operations_versions,
)
from localcloud.fc.desk import Operation
from localcloud.fc.routes import NEW, OLD, Version

OPERATIONS: Mapping[Version, Mapping[str, Operation]] = {
    OLD: {
        **operations_services.OFFERED,
        **operations_tags.OFFERED,
        **operations_functions.OFFERED,
        **operations_triggers.OFFERED,
        **operations_layers.OLD_OFFERED,
        **operations_configs.OLD_OFFERED,
        **operations_versions.OLD_OFFERED,
        **operations_domains.OFFERED,
    },
    NEW: {
        **operations_functions.OFFERED,
        **operations_triggers.OFFERED,
        **operations_layers.NEW_OFFERED,
        **operations_configs.NEW_OFFERED,
        **operations_versions.NEW_OFFERED,
        **operations_domains.OFFERED,
    },
}
