"""From a job to a command line: script file, interpreter, directory, environment, as the agent has them.

Source: the agent's host processor (aliyun_assist_client): `sh` on a saved file, so that a `#!` line chooses the
interpreter; a launcher whose {{ACS::ScriptFileName}} is that file, appended when it is not named. Different here: an
instance's home is a folder of its own, there is no user but ours, and nothing of our own environment is handed on.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.ecs.executor_guard import VARIABLE
from localcloud.ecs.executors import Job

SHELL: Final = "/bin/sh"
SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_USERS: Final = ("", "root", "System")
"""Who runs a script when nobody is named, on Linux and on Windows: here, we do."""
INTERPRETED: Final = 'exec "$0"'
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
NAME_CHARS_MAX = 100
"""Ours: of an id in a file name."""

LAUNCHER_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|\{\{.*?\}\}|\S+")
PLACEHOLDER = re.compile(r"\{\{.+?\}\}")
SCRIPT_FILE = re.compile(
    r"\{\{\s*ACS\s*::\s*ScriptFileName\s*(?:\|\s*ext\s*\(\s*[\"']?(?P<extension>[\w.-]+)[\"']?\s*\)\s*)?\}\}",
    re.IGNORECASE,
)


class CannotLaunch(Exception):
    """Why a job can not be run on this instance: an ErrorCode of ECS and words."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(info)
        self.code = code
        self.info = info


@dataclass(frozen=True, slots=True)
class Launch:
    """What is handed to the operating system. `script` is removed when it has ended."""

    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    script: Path


def prepare(job: Job, *, home: Path, scripts: Path, mark: str, number: int) -> Launch:
    """Saves the script and says how to run it. Raises CannotLaunch; OSError when the file can not be written."""
    _check_user(job.username)
    home.mkdir(parents=True, exist_ok=True)
    folder = _working_folder(job.working_dir, home)
    stem = f"{file_name(job.invoke_id)}-{file_name(job.instance_id)}-{number}"
    command, script = _command(job, scripts / stem)
    content = BYTE_ORDER_MARK + job.content if script.suffix == ".ps1" else job.content
    with open(os.open(script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "wb") as file:
        file.write(content)
    return Launch(command, folder, _environment(job, home, mark), script)


def file_name(name: str) -> str:
    """A name that is a file's and nothing else, whatever somebody called his instance."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:NAME_CHARS_MAX]
    return safe if safe.strip(".") else "_"


def powershell() -> str | None:
    """Where PowerShell is, if it is."""
    return shutil.which("pwsh")


def user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _check_user(name: str) -> None:
    if name not in (*DEFAULT_USERS, user_name()):
        raise CannotLaunch(
            "AccountNotExists", f"the user {name!r} does not exist: local instances run scripts as {user_name()}"
        )


def _working_folder(working_dir: str, home: Path) -> Path:
    if working_dir.rstrip("/") in ("", "/root"):
        return home
    folder = home / working_dir  # an absolute one stays what it is
    if not folder.is_dir():
        raise CannotLaunch("DirectoryNotExists", f"the working directory {working_dir!r} does not exist")
    return folder


def _command(job: Job, stem: Path) -> tuple[tuple[str, ...], Path]:
    if job.launcher:
        return _launched(job.launcher, stem)
    if job.command_type == "RunPowerShellScript":
        script = stem.with_name(stem.name + ".ps1")
        return (powershell() or "pwsh", "-NoProfile", "-NonInteractive", "-File", str(script)), script
    script = stem.with_name(stem.name + ".sh")
    if job.content.startswith(b"#!"):
        return (SHELL, "-c", INTERPRETED, str(script)), script
    return (SHELL, str(script)), script


def _launched(launcher: str, stem: Path) -> tuple[tuple[str, ...], Path]:
    placeholders = PLACEHOLDER.findall(launcher)
    match = SCRIPT_FILE.search(launcher)
    if len(placeholders) > 1 or (placeholders and match is None):
        raise CannotLaunch(
            "InvalidSystemBuiltInParameter",
            "a launcher may hold {{ACS::ScriptFileName}} once and nothing else in braces",
        )
    extension = ".sh" if match is None else match["extension"] or ""
    script = stem.with_name(f"{stem.name}{extension}")
    words = [_unquoted(word, str(script)) for word in LAUNCHER_WORD.findall(launcher)]
    if match is None:
        words.append(str(script))
    program = shutil.which(words[0], path=SEARCH_PATH)
    if program is None:
        raise CannotLaunch("ExecutionException", f"the launcher {words[0]!r} is not installed on the instance")
    return (program, *words[1:]), script


def _unquoted(word: str, script: str) -> str:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        word = word[1:-1]
    return SCRIPT_FILE.sub(lambda _: script, word)


def _environment(job: Job, home: Path, mark: str) -> dict[str, str]:
    user = user_name()
    return {
        "PATH": SEARCH_PATH,
        "HOME": str(home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": SHELL,
        "LANG": "C.UTF-8",
        "HOSTNAME": job.instance_name or job.instance_id,
        "ECS_INSTANCE_ID": job.instance_id,
        "ECS_INSTANCE_NAME": job.instance_name,
        "ECS_INVOKE_ID": job.invoke_id,
        **job.environment,
        VARIABLE: mark,
    }
