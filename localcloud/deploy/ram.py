"""Roles and policies of a template. Described, not enforced: the local cloud has one key pair for everybody."""

from __future__ import annotations

from localcloud.account import Account
from localcloud.deploy.applied import Kind
from localcloud.deploy.attributes import Attributes, Properties
from localcloud.ids import Ids


class RamResources:
    """Makers of the types ALIYUN::RAM::*."""

    def __init__(self, *, account: Account, ids: Ids) -> None:
        self._account = account
        self._ids = ids

    def kinds(self) -> dict[str, Kind]:
        return {"ALIYUN::RAM::Role": Kind(self.role), "ALIYUN::RAM::ManagedPolicy": Kind(self.managed_policy)}

    def role(self, properties: Properties) -> Attributes:
        name = properties["RoleName"]
        return {
            "Ref": name,
            "RoleName": name,
            "RoleId": f"3{self._ids.stream('ram.role').randrange(10**17):017d}",
            "Arn": f"acs:ram::{self._account.account_id}:role/{name.lower()}",
        }

    def managed_policy(self, properties: Properties) -> Attributes:
        return {"Ref": properties["PolicyName"], "PolicyName": properties["PolicyName"]}
