"""Builds: what a function finds when it starts."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from localcloud.build import BuildError, build, zip_folder


def project(root: Path) -> Path:
    (root / "functions" / "greet" / "__pycache__").mkdir(parents=True)
    (root / "functions" / "greet" / "index.py").write_text("def handler(event, context): return 'hi'\n")
    (root / "functions" / "greet" / "__pycache__" / "index.pyc").write_bytes(b"stale")
    (root / "shared" / "core").mkdir(parents=True)
    (root / "shared" / "core" / "words.py").write_text("HELLO = 'hello'\n")
    return root


def test_a_build_has_a_folder_per_function_and_a_layer_without_bytecode(tmp_path: Path) -> None:
    root = project(tmp_path)

    built = build(root, ["greet"])

    assert sorted(path.name for path in built.functions["greet"].rglob("*")) == ["index.py"]
    assert (built.layers[0] / "python" / "shared" / "core" / "words.py").read_text() == "HELLO = 'hello'\n"
    assert any((packages / "msgspec").is_dir() for packages in built.packages)


def test_unchanged_sources_are_built_once_and_a_change_is_built_beside(tmp_path: Path) -> None:
    root = project(tmp_path)
    first = build(root, ["greet"])
    again = build(root, ["greet"])

    (root / "shared" / "core" / "words.py").write_text("HELLO = 'servus'\n")
    changed = build(root, ["greet"])

    assert again == first
    assert changed.layers != first.layers
    assert first.functions["greet"].is_dir()


def test_a_function_without_a_folder_is_named(tmp_path: Path) -> None:
    root = project(tmp_path)

    with pytest.raises(BuildError, match=r"the function greet_all, but there is no functions/greet_all/index\.py"):
        build(root, ["greet", "greet_all"])


def test_a_build_that_nobody_used_for_a_day_is_removed(tmp_path: Path) -> None:
    root = project(tmp_path)
    old = build(root, ["greet"]).layers[0].parent
    os.utime(old, (0, 0))
    (root / "shared" / "core" / "words.py").write_text("")

    build(root, ["greet"])

    assert not old.exists()


def test_equal_folders_make_equal_archives(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = project(tmp_path / name)
        os.utime(folder / "shared" / "core" / "words.py", (hash(name) % 10**9, hash(name) % 10**9))
        zip_folder(folder / "shared", tmp_path / f"{name}.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["core/words.py"]
