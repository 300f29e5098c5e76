"""Code packages: archives that come through the API are unpacked into folders, folders are packed when asked for.

Wire format: `code.zipFile` is a ZIP in Base64. The checksum is the CRC-64 (ECMA-182, as XZ has it) in decimal, as the
object store names it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from localcloud.build import zip_folder
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.limits import ZIP_BYTES_MAX
from localcloud.http import Response

if TYPE_CHECKING:
    from localcloud.fc.layers import LayerVersion
    from localcloud.fc.routes import WireCall
    from localcloud.fc.service import FcService

BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What zipfile raises for bytes that are not, or no longer, an archive that it can read."""
POLYNOMIAL = 0xC96C5795D7870F42


class CodeFolders:
    """A folder of its own for each archive. All of them go with `close`."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where they are made; None: a temporary one, made when first needed."""
        self._parent = folder
        self._root: Path | None = None
        self.archives: dict[Path, tuple[str, bytes]] = {}
        """SHA-256 and archive by folder, of what is in use."""
        self._checksums: dict[Path, str] = {}
        self.trees: dict[Path, str] = {}
        """Of folders that did not come as an archive, but are to be kept as one: what `localcloud.build` calls them."""

    def forget_others(self, used: Collection[Path]) -> None:
        """The folders stay: calls may run in them."""
        self.archives = {path: told for path, told in self.archives.items() if path in used}
        self._checksums = {path: told for path, told in self._checksums.items() if path in used}

    def unpack(self, archive: bytes) -> Path:
        """Raises FcError InvalidArgument for what is not a ZIP, is too large, or reaches out of its folder."""
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as content:
                _check(content)
                target = Path(tempfile.mkdtemp(prefix="code-", dir=self._made_root()))
                try:
                    content.extractall(target)
                    _restore_modes(content, target)
                except BaseException:
                    shutil.rmtree(target, ignore_errors=True)
                    raise
        except BAD_ARCHIVE as error:
            raise invalid(f"code.zipFile cannot be unpacked: {error}") from error
        self.archives[target] = (hashlib.sha256(archive).hexdigest(), archive)
        return target

    def unpack_tree(self, archive: bytes, tree: str) -> Path:
        """What `archived` made of a folder is a folder again."""
        folder = self.unpack(archive)
        del self.archives[folder]
        self.trees[folder] = tree
        return folder

    def digest(self, folder: Path) -> str:
        """Under which the folder's archive is kept; "" for one that has none."""
        archive = self.archives.get(folder)
        return self.trees.get(folder, "") if archive is None else archive[0]

    def archived(self, folder: Path) -> bytes:
        archive = self.archives.get(folder)
        return packed(folder) if archive is None else archive[1]

    def checksum(self, folder: Path) -> str:
        """Of the folder's archive. Worked out once: it takes a second for 12 MB, and all wait meanwhile."""
        if folder not in self._checksums:
            self._checksums[folder] = checksum(self.archived(folder))
        return self._checksums[folder]

    def close(self) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _made_root(self) -> Path:
        if self._root is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._root = Path(tempfile.mkdtemp(prefix="fc-", dir=self._parent))
        return self._root


def archive_of(body: Mapping[str, Any]) -> bytes | None:
    """The archive in `code` of a request; None when there is none. Raises FcError."""
    code = body.get("code")
    if code is None:
        return None
    if not isinstance(code, Mapping):
        raise invalid("code must be an object")
    text = code.get("zipFile")
    if not text:
        if code.get("ossBucketName") or code.get("ossObjectName"):
            raise FcError("NotImplemented", "the local cloud has no OSS: send the code as code.zipFile")
        return None
    try:
        archive = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid("code.zipFile is not Base64") from error
    _check_sum(archive, code.get("checksum"))
    return archive


def _check_sum(archive: bytes, told: Any) -> None:
    """Only where the request tells one."""
    if told not in (None, "") and told != checksum(archive):
        raise invalid(f"code.checksum is {told!r}, that of code.zipFile is '{checksum(archive)}'")


def packed(folder: Path) -> bytes:
    """A folder as an archive; equal files make equal archives."""
    with tempfile.TemporaryDirectory() as work:
        archive = Path(work) / "code.zip"
        zip_folder(folder, archive)
        return archive.read_bytes()


def checksum(content: bytes) -> str:
    table = _table()
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return str(crc ^ 0xFFFFFFFFFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        crc = number
        for _ in range(8):
            crc = (crc >> 1) ^ POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


def _check(content: zipfile.ZipFile) -> None:
    total = 0
    for entry in content.infolist():
        total += entry.file_size
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\0" in entry.filename:
            raise invalid(f"code.zipFile holds {entry.filename!r}, which is not below its folder")
    if total > ZIP_BYTES_MAX:
        raise invalid(f"code.zipFile holds {total} bytes unpacked, at most {ZIP_BYTES_MAX}")


def _restore_modes(content: zipfile.ZipFile, target: Path) -> None:
    """What was executable stays so; zipfile forgets it."""
    for entry in content.infolist():
        mode = entry.external_attr >> 16
        if mode & 0o111 and not entry.is_dir():
            path = target / entry.filename
            path.chmod(path.stat().st_mode | 0o100)


OSS_CHECKSUM = "X-Oss-Hash-Crc64ecma"
"""OSS, to which the links of the real service lead, says it, and clients compare it with the function's."""


def layer_key(layer: LayerVersion) -> str:
    """Whoever has it, has the archive or was told the link."""
    return hashlib.sha256(layer.arn.encode() + layer.code).hexdigest()


def download(service: FcService, call: WireCall) -> Response:
    """Where the links of GetFunctionCode and of layers lead. They are not signed: they hold what nobody can guess."""
    if "layer" in call.names:
        layer = service.layers.find(call.names["layer"], call.names["version"])
        if call.query.get("key") != layer_key(layer):
            raise FcError("AccessDenied", "the link is not, or no longer, valid")
        return Response(200, (("Content-Type", "application/zip"),), layer.code)
    record = service.functions.find(call.names["function"])
    if call.query.get("key") != record.function_id:
        raise FcError("AccessDenied", "the link is not, or no longer, valid")
    function = service.described(record.key, call.query.get("qualifier", ""))
    folder = function.spec.code_dir
    if folder == record.function.spec.code_dir:
        archive = record.archive()
        digest = record.code_checksum or checksum(archive)
    else:
        archive, digest = service.code.archived(folder), service.code.checksum(folder)
    return Response(200, (("Content-Type", "application/zip"), (OSS_CHECKSUM, digest)), archive)
