"""A journal in one file: what `--data DIR` keeps.

Wire format of the file: the line `fleetrun-journal 1\n`, then records. A record is two big-endian 32-bit numbers, the
length of the content and its CRC-32, then the content: msgpack of `[collection, key]` (dropped) or of
`[collection, key, value]` (put), where value is itself msgpack in a binary string.

Strategy: append only. Memory holds where each live value stands in the file, not the value. When the file has
outgrown twice what was live, the live records are copied to a new file that takes the old one's place by rename.
An answer leaves after `flush`, which is one write(2): what the kernel has, survives `kill -9`. There is no fsync, so a
power cut may cost the last seconds; a double is not worth the milliseconds.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MAGIC = b"fleetrun-journal 1\n"
HEAD = struct.Struct(">II")
SLACK_BYTES = 16 * 1024 * 1024
"""Ours: garbage that is not worth a compaction."""
CONTENT_BYTES_MAX = 256 * 1024 * 1024
"""Ours: a longer record is a bug of the caller (the longest real one is a Tablestore batch of 4 MB)."""


class DamagedJournal(Exception):
    """The file holds something that no crash can have left; nothing is changed."""


class FolderInUse(RuntimeError):
    """Another local cloud keeps its state there."""


class FileJournal:
    """`Journal` on the directory `folder`, made when missing. One process at a time: raises FolderInUse otherwise.

    Raises DamagedJournal when a record in the middle of the file is not what was written. A torn last record, which a
    kill in the middle of a write leaves, was never acknowledged and is cut off.
    """

    def __init__(self, folder: Path, *, slack_bytes: int = SLACK_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "journal"
        self._slack_bytes = slack_bytes
        self._lock = _lock(folder)
        self._live: dict[str, dict[str, tuple[int, int]]] = {}
        self._buffer = bytearray()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._size = self._replay()
        self._size_compacted = len(MAGIC)
        self._compact()

    def put(self, collection: str, key: str, value: Any) -> None:
        content = msgspec.msgpack.encode((collection, key, msgspec.msgpack.encode(value)))
        place = self._append(content)
        # Taken out first: `load` answers in order of the last put.
        keys = self._live.setdefault(collection, {})
        keys.pop(key, None)
        keys[key] = place

    def drop(self, collection: str, key: str) -> None:
        keys = self._live.get(collection)
        if keys is not None and keys.pop(key, None) is not None:
            self._append(msgspec.msgpack.encode((collection, key)))

    def load(self, collection: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Raises DamagedJournal when a value does not fit `kind`: it was left by another version."""
        self.flush()
        for key, place in list(self._live.get(collection, {}).items()):
            _, _, value = msgspec.msgpack.decode(self._read(place), type=tuple[str, str, bytes])
            try:
                yield key, msgspec.msgpack.decode(value, type=kind)
            except msgspec.ValidationError as error:
                raise DamagedJournal(
                    f"{self._path}: {collection} {key!r} is not a {kind.__name__}: {error}. "
                    "Another version of the local cloud wrote it; start with an empty directory."
                ) from error

    def flush(self) -> None:
        if not self._buffer:
            return
        _write_all(self._file, self._buffer)
        self._size += len(self._buffer)
        self._buffer.clear()
        if self._size > 2 * self._size_compacted + self._slack_bytes:
            self._compact()

    def clear(self) -> None:
        """Forgets everything, on disk too."""
        self._buffer.clear()
        self._live.clear()
        self._compact()

    def close(self) -> None:
        self.flush()
        os.close(self._file)
        os.close(self._lock)

    @property
    def size_bytes(self) -> int:
        return self._size + len(self._buffer)

    def _append(self, content: bytes) -> tuple[int, int]:
        assert 0 < len(content) <= CONTENT_BYTES_MAX, len(content)
        place = (self._size + len(self._buffer) + HEAD.size, len(content))
        self._buffer += HEAD.pack(len(content), zlib.crc32(content))
        self._buffer += content
        return place

    def _read(self, place: tuple[int, int]) -> bytes:
        return os.pread(self._file, place[1], place[0])

    def _replay(self) -> int:
        """Fills `_live` from the file, cuts a torn end off; answers the size."""
        size = os.fstat(self._file).st_size
        if os.pread(self._file, len(MAGIC), 0) != MAGIC[:size]:
            raise DamagedJournal(f"{self._path} is not a journal of the local cloud")
        end = len(MAGIC)
        if size < end:
            os.ftruncate(self._file, 0)
            _write_all(self._file, MAGIC)
            return end
        while (content := self._record_at(end, size)) is not None:
            self._remember(content, (end + HEAD.size, len(content)))
            end += HEAD.size + len(content)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        return end

    def _record_at(self, offset: int, size: int) -> bytes | None:
        """The record's content, or None when nothing but a torn record is left."""
        head = os.pread(self._file, HEAD.size, offset)
        if len(head) < HEAD.size:
            return None
        length, checksum = HEAD.unpack(head)
        if offset + HEAD.size + length > size:
            return None
        content = os.pread(self._file, length, offset + HEAD.size)
        if length > 0 and zlib.crc32(content) == checksum:
            return content
        # A power cut may leave blocks that were never written: zeros to the end.
        if not os.pread(self._file, size - offset, offset).strip(b"\0"):
            return None
        raise DamagedJournal(
            f"{self._path}: the record at byte {offset} is damaged. Move the file away to start empty."
        )

    def _remember(self, content: bytes, place: tuple[int, int]) -> None:
        collection, key, *value = msgspec.msgpack.decode(content, type=list[Any])
        keys = self._live.setdefault(collection, {})
        keys.pop(key, None)
        if value:
            keys[key] = place

    def _compact(self) -> None:
        """Copies the live records, in their order, to a new file and puts it in the old one's place."""
        new_path = self._path.with_suffix(".new")
        new_file = os.open(new_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        buffer = bytearray(MAGIC)
        end = 0
        live: dict[str, dict[str, tuple[int, int]]] = {}
        for collection, keys in self._live.items():
            live[collection] = {}
            for key, place in keys.items():
                content = self._read(place)
                live[collection][key] = (end + len(buffer) + HEAD.size, len(content))
                buffer += HEAD.pack(len(content), zlib.crc32(content)) + content
                if len(buffer) > 1 << 20:
                    _write_all(new_file, buffer)
                    end += len(buffer)
                    buffer.clear()
        _write_all(new_file, buffer)
        new_path.replace(self._path)
        os.close(self._file)
        self._file, self._live = new_file, live
        self._size = self._size_compacted = end + len(buffer)


def _write_all(file: int, content: bytes | bytearray) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def _lock(folder: Path) -> int:
    """Held as long as the process lives, however it ends."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise FolderInUse(f"{folder} is in use by another local cloud") from error
    return file
