"""`make test-node`: the official SDKs for Node.js, unmodified, against a local cloud on a free port.

Installs what package.json pins, once. Where node or npm is missing or too old it says so and ends well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from localcloud.account import Account
from localcloud.threaded import local_cloud

FOLDER = Path(__file__).resolve().parent
STAMP = FOLDER / "node_modules" / ".fleetrun-is-set-up"
NODE_MIN = (20, 15)
"""The first with zlib.crc32, which a test packs its ZIP with; as package.json says."""
INSTANCES = 60
INSTALL_S_MAX, TEST_S_MAX = 300, 300
"""Ours."""


def main() -> int:
    missing = _missing()
    if missing:
        sys.stdout.write(f"test-node: skipped, {missing}\n")
        return 0
    _install()
    files = sorted(str(path) for path in FOLDER.glob("*.test.js"))
    with local_cloud(instances=INSTANCES) as cloud:
        environment = {**os.environ, **_environment(cloud.url)}
        return subprocess.run(["node", "--test", *files], env=environment, timeout=TEST_S_MAX, check=False).returncode


def _missing() -> str:
    """Why nothing can be tested here; "" when all is there."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < NODE_MIN:
        return f"node is {said}, at least {'.'.join(map(str, NODE_MIN))} is needed"
    return ""


def _install() -> None:
    """Without install scripts, and without a lock file: that would name the registry of this machine."""
    if STAMP.exists() and STAMP.stat().st_mtime >= (FOLDER / "package.json").stat().st_mtime:
        return
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=FOLDER, timeout=INSTALL_S_MAX, check=True)
    STAMP.touch()


def _environment(url: str) -> dict[str, str]:
    account = Account()
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.access_key_secret,
        "FLEETRUN_ACCOUNT_ID": account.account_id,
        "FLEETRUN_ENDPOINT": url,
        "FLEETRUN_REGION": account.region,
        "FLEETRUN_TABLESTORE_INSTANCE": account.tablestore_instance,
    }


if __name__ == "__main__":
    sys.exit(main())
