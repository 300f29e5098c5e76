"""Finding the function's code: the path that imports see, and `module.callable` → callable.

Source: code-layout and layer pages, 2026-08, and the runtime's bootstrap (FC 2.0): the code's folder comes first, then
the layers' packages, then what the image has. The module part of a handler may hold slashes.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


class LoadError(Exception):
    """The code cannot be had; `kind` is what FC calls the reason."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def set_path(code: str, layers: list[str], packages: list[str]) -> None:
    """Puts code, layers (folders that are /opt) and PYTHONPATH before the standard library, `packages` behind it."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = [code]
    for layer in layers:
        places += [f"{layer}/python/lib/{version}/site-packages", f"{layer}/python"]
    places += [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:0] = [place for place in dict.fromkeys(places) if place == code or Path(place).is_dir()]
    sys.path += packages


class Handlers:
    """Modules are loaded once: initializer, handler and pre-stop share their globals."""

    def __init__(self, code: str) -> None:
        self._code = Path(code)
        self._modules: dict[str, ModuleType] = {}

    def find(self, handler: str) -> Callable[..., Any]:
        """Raises LoadError."""
        module_name, dot, name = handler.rpartition(".")
        if not dot or not module_name or not name:
            raise LoadError("InvalidHandleName", f"Invalid handler '{handler}'")
        module = self._modules.get(module_name) or self._load(module_name)
        found = getattr(module, name, None)
        if not callable(found):
            raise LoadError("HandlerNotFound", f"Handler '{name}' is missing on module '{module_name}'")
        return found  # type: ignore[no-any-return]

    def _load(self, name: str) -> ModuleType:
        path = self._code / f"{name}.py"
        if not path.is_file():
            path = self._code / name / "__init__.py"
        if not path.is_file():
            raise LoadError("ImportModuleError", f"Unable to import module '{name}'")
        spec = importlib.util.spec_from_file_location(name.replace("/", "."), path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[spec.name]
            if not isinstance(error, Exception):
                raise
            raise _load_error(name, error) from error
        self._modules[name] = module
        return module


def _load_error(name: str, error: Exception) -> LoadError:
    traceback.print_exception(type(error), error, error.__traceback__)
    if isinstance(error, SyntaxError):
        return LoadError("UserCodeSyntaxError", f"Syntax error in module '{name}': {error}")
    if isinstance(error, ImportError):
        return LoadError("ImportModuleError", f"Unable to import module '{name}': {error}")
    return LoadError("UserCodeError", f"Module initialization error: '{error}'")
