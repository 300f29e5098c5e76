"""Builds what is deployed: one folder of code per function, and the layer.

Strategy: a build is named by the hash of everything that goes into it. Starting the local cloud twice builds once,
two local clouds never change each other's code, and compiled bytecode is there from the second start on.

The layer that ships holds `shared` and the packages of requirements.txt. On the laptop it holds `shared` alone; the
packages come from the running Python's site-packages, as a second layer folder: they are the same pinned ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEPT_SECONDS = 86_400
"""Ours: a build that was not used for a day is removed by the next one."""
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can say: equal content makes equal archives."""
PLATFORM = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
"""FC's python3.10 runtime is Debian 10 (glibc 2.28): runtime page, 2026-08."""

LAYER, TREE = "layer", "tree:"
"""The part of a build that becomes the layer; what the digest of a folder's content begins with."""


class BuildError(Exception):
    """Something that the template needs is not there."""


@dataclass(frozen=True, slots=True)
class Build:
    """Folders as they will stand in the cloud."""

    functions: Mapping[str, Path]
    """Name → folder that becomes /code."""
    layers: tuple[Path, ...]
    """Folders that become /opt, first wins. Each holds `python/`."""
    packages: tuple[Path, ...]
    """Further folders of packages, after the layers."""
    trees: Mapping[str, Path] = field(default_factory=dict)
    """The same folders by what is in them: `tree:` and a SHA-256. Whoever finds its tree here need not copy it."""

    def tree_of(self, folder: Path) -> str:
        """ "" for a folder that is not one of the build's."""
        return next((tree for tree, path in self.trees.items() if path == folder), "")


def build(root: Path, function_names: Iterable[str], *, into: Path | None = None) -> Build:
    """Builds the project in `root` into `into`/<hash>, unless it is there. Raises BuildError naming what is missing."""
    names = sorted(function_names)
    sources = dict(_sources(root, names))
    parts = _digests(sources)
    target = (into or root / "build" / "local") / _digest("".join(f"{part}\0{parts[part]}\0" for part in sorted(parts)))
    if not target.is_dir():
        _copy(sources, target)
    os.utime(target)
    _remove_old(target)
    return Build(
        functions={name: target / "functions" / name for name in names},
        layers=(target / LAYER,),
        packages=packages(),
        trees={f"{TREE}{digest}": target / part for part, digest in parts.items()},
    )


def packages() -> tuple[Path, ...]:
    """The running Python's folders of packages: what stands for those of the layer, and of the runtime's image."""
    return tuple(sorted({Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))}))


def function_folders(root: Path) -> list[str]:
    """Names of the project's functions, sorted: the folders below functions/ that hold an index.py."""
    return sorted(path.parent.name for path in (root / "functions").glob("*/index.py"))


def package(root: Path, function_names: Iterable[str], *, version: str, python: str = "3.10") -> Path:
    """Builds the objects that the template speaks of: <root>/dist/fleetrun/<version>/*.zip; answers that folder.

    Installs requirements.txt for FC's platform with pip. Equal sources make equal archives.
    """
    target = root / "dist" / "fleetrun" / version
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    built = build(root, function_names)
    for name, folder in sorted(built.functions.items()):
        zip_folder(folder, target / f"{name}.zip")
    with tempfile.TemporaryDirectory() as work:
        layer = Path(work) / "layer"
        shutil.copytree(built.layers[0], layer, ignore=shutil.ignore_patterns("__pycache__"))
        _install(root / "requirements.txt", layer / "python", python=python)
        zip_folder(layer, target / "layer.zip")
    return target


def zip_folder(folder: Path, archive: Path) -> None:
    """Equal files make equal archives: sorted, with one time and one mode."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in _files(folder):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            out.writestr(info, path.read_bytes())


def _install(requirements: Path, folder: Path, *, python: str) -> None:
    platforms = [f"--platform={platform}" for platform in PLATFORM]
    options = ["--no-deps", "--no-compile", "--prefer-binary", f"--python-version={python}", f"--target={folder}"]
    command = [sys.executable, "-m", "pip", "install", "-q", *options, *platforms, "-r", str(requirements)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise BuildError(f"pip could not install {requirements.name} for {platforms}:\n{finished.stderr.strip()}")


def _sources(root: Path, names: list[str]) -> Iterator[tuple[str, Path]]:
    """Place in the build → file."""
    for name in names:
        folder = root / "functions" / name
        if not (folder / "index.py").is_file():
            raise BuildError(f"the template has the function {name}, but there is no functions/{name}/index.py")
        for path in _files(folder):
            yield f"functions/{name}/{path.relative_to(folder).as_posix()}", path
    shared = root / "shared"
    for path in _files(shared) if shared.is_dir() else ():
        yield f"{LAYER}/python/shared/{path.relative_to(shared).as_posix()}", path


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def _digests(sources: Mapping[str, Path]) -> dict[str, str]:
    """Part of the build (`functions/<name>`, `layer`) → SHA-256 of its files with their places."""
    totals = {LAYER: hashlib.sha256()}
    for place, path in sorted(sources.items()):
        part = LAYER if place.startswith(f"{LAYER}/") else "/".join(place.split("/", 2)[:2])
        total = totals.setdefault(part, hashlib.sha256())
        content = path.read_bytes()
        total.update(f"{place}\0{len(content)}\0".encode())
        total.update(content)
    return {part: total.hexdigest() for part, total in totals.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _copy(sources: Mapping[str, Path], target: Path) -> None:
    """Whole or not at all: another start may be building the same."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    (work / LAYER / "python").mkdir(parents=True)
    for place, path in sources.items():
        copy = work / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    work.chmod(0o755)
    try:
        work.rename(target)
    except OSError:
        shutil.rmtree(work)
        if not target.is_dir():
            raise


def _remove_old(used: Path) -> None:
    limit = time.time() - KEPT_SECONDS
    for other in used.parent.iterdir():
        if other != used and other.is_dir() and other.stat().st_mtime < limit:
            shutil.rmtree(other, ignore_errors=True)
