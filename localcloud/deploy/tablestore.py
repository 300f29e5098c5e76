"""Tablestore resources of a template: the one instance, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.account import Account
from localcloud.deploy.applied import Kind
from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.tablestore.definitions import OptionsChange
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.schema import DefinedColumn, IndexMeta, KeyColumn, TableMeta, TableOptions, Units
from localcloud.tablestore.service import TablestoreService

DEVIATION_S_DEFAULT = 86_400
"""ALIYUN::OTS::Table, DeviationCellVersionInSec, 2026-11."""


class TablestoreResources:
    """Makers of the types ALIYUN::OTS::*."""

    def __init__(self, tables: TablestoreService, *, account: Account, url: str) -> None:
        self._tables = tables
        self._account = account
        self._url = url

    def kinds(self) -> dict[str, Kind]:
        return {
            "ALIYUN::OTS::Instance": Kind(self.instance),
            "ALIYUN::OTS::Table": Kind(
                self.table, mark=self._made_ms, remove=lambda made: self._tables.delete_table(made["TableName"])
            ),
        }

    def _made_ms(self, made: Attributes) -> str:
        name = made["TableName"]
        return str(self._tables.describe_table(name).created_ms) if name in self._tables.list_tables() else ""

    def instance(self, properties: Properties) -> Attributes:
        """The local cloud has one instance; its name is an option."""
        name = properties["InstanceName"]
        self._check_instance(name)
        endpoints = dict.fromkeys(("PublicEndpoint", "PrivateEndpoint", "VpcEndpoint"), self._url)
        return {"Ref": name, "InstanceName": name, **endpoints}

    def table(self, properties: Properties) -> Attributes:
        self._check_instance(properties["InstanceName"])
        name = properties["TableName"]
        meta, options = _meta(properties), _options(properties)
        reserved = properties.get("ReservedThroughput") or {}
        units = Units(read=int(reserved.get("Read", 0)), write=int(reserved.get("Write", 0)))
        try:
            if name in self._tables.list_tables():
                self._change(meta, options, units)
            else:
                self._tables.create_table(meta, options, reserved=units, indexes=_indexes(properties))
        except TablestoreError as error:
            raise CannotMake(f"TableName {name!r}: {error.code}: {error.message}") from error
        return {"Ref": name, "TableName": name}

    def _change(self, meta: TableMeta, options: TableOptions, units: Units) -> None:
        """A kept table takes new options; another key would be another table."""
        kept = self._tables.describe_table(meta.name)
        if kept.meta.key != meta.key:
            raise CannotMake(
                f"PrimaryKey of {meta.name!r} differs from the kept table's: {_said(meta)} instead of "
                f"{_said(kept.meta)}; a key never changes, start on another data folder"
            )
        if (kept.options, kept.reserved) == (options, units):
            return
        change = OptionsChange(
            time_to_live_s=options.time_to_live_s,
            versions_max=options.versions_max,
            deviation_s=options.deviation_s,
        )
        self._tables.update_table(meta.name, options=change, reserved=units)

    def _check_instance(self, name: str) -> None:
        known = self._account.tablestore_instance
        if name != known:
            raise CannotMake(f"InstanceName is {name!r}; this local cloud's instance is {known!r} (an option)")


def _meta(properties: Properties) -> TableMeta:
    key = tuple(KeyColumn(column["Name"], column["Type"]) for column in properties["PrimaryKey"])
    defined = tuple(DefinedColumn(column["Name"], column["Type"]) for column in properties.get("Columns") or ())
    return TableMeta(properties["TableName"], key, defined)


def _options(properties: Properties) -> TableOptions:
    return TableOptions(
        time_to_live_s=int(properties.get("TimeToLive", -1)),
        versions_max=int(properties.get("MaxVersions", 1)),
        deviation_s=int(properties.get("DeviationCellVersionInSec", DEVIATION_S_DEFAULT)),
    )


def _indexes(properties: Properties) -> tuple[IndexMeta, ...]:
    return tuple(_index(index) for index in properties.get("SecondaryIndices") or ())


def _index(index: Mapping[str, Any]) -> IndexMeta:
    return IndexMeta(
        name=index["IndexName"],
        key=tuple(index["PrimaryKeys"]),
        columns=tuple(index.get("Columns") or ()),
        is_local=index.get("IndexType", "Global") == "Local",
    )


def _said(meta: TableMeta) -> str:
    return ", ".join(f"{column.name} {column.type}" for column in meta.key)
