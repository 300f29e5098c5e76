"""The journal in a file: what was flushed is there after any kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.file_journal import DamagedJournal, FileJournal


@dataclass(frozen=True, slots=True)
class Letter:
    body: bytes
    count: int


def everything(journal: FileJournal) -> dict[str, Letter]:
    return dict(journal.load("mns.messages", Letter))


def test_what_was_flushed_is_there_after_a_restart_in_order_of_the_last_put(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.put("mns.messages", "a", Letter(b"\xff1", 1))
    journal.put("mns.messages", "b", Letter(b"2", 2))
    journal.put("mns.messages", "c", Letter(b"3", 3))
    journal.put("mns.messages", "a", Letter(b"4", 4))
    journal.drop("mns.messages", "b")
    journal.close()

    again = FileJournal(tmp_path)

    assert list(again.load("mns.messages", Letter)) == [("c", Letter(b"3", 3)), ("a", Letter(b"4", 4))]
    again.close()


def test_a_file_cut_at_any_byte_restores_every_record_before_the_cut(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "whole")
    ends = [(journal.size_bytes, 0)]
    for count in range(1, 6):
        journal.put("mns.messages", f"key-{count}", Letter(b"x" * count * 7, count))
        ends.append((journal.size_bytes, count))
    journal.close()
    content = (tmp_path / "whole" / "journal").read_bytes()

    for cut in range(len(content) + 1):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "journal").write_bytes(content[:cut])
        restored = FileJournal(folder)

        expected = max((count for end, count in ends if end <= cut), default=0)
        assert sorted(everything(restored)) == [f"key-{count}" for count in range(1, expected + 1)]
        restored.put("mns.messages", "after", Letter(b"", 0))
        restored.close()
        later = FileJournal(folder)
        assert len(everything(later)) == expected + 1
        later.close()


def test_a_damaged_record_in_the_middle_stops_the_start_and_is_left_alone(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.put("mns.messages", "a", Letter(b"first", 1))
    journal.put("mns.messages", "b", Letter(b"second", 2))
    journal.close()
    content = bytearray((tmp_path / "journal").read_bytes())
    content[content.index(b"first")] ^= 1
    (tmp_path / "journal").write_bytes(content)

    with pytest.raises(DamagedJournal, match="byte 19"):
        FileJournal(tmp_path)

    assert (tmp_path / "journal").read_bytes() == content


def test_a_tail_of_zeros_is_cut_off(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.put("mns.messages", "a", Letter(b"first", 1))
    journal.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(bytes(4096))

    again = FileJournal(tmp_path)

    assert sorted(everything(again)) == ["a"]
    again.close()


def test_two_local_clouds_cannot_share_a_directory(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)

    with pytest.raises(RuntimeError, match="in use by another local cloud"):
        FileJournal(tmp_path)

    journal.close()


def test_a_counter_written_a_hundred_thousand_times_stays_small_on_disk(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, slack_bytes=10_000)
    journal.put("mns.messages", "kept", Letter(b"kept", 1))

    for count in range(100_000):
        journal.put("mns.messages", "counter", Letter(b"", count))
        if count % 100 == 0:
            journal.flush()

    assert (tmp_path / "journal").stat().st_size < 30_000
    journal.close()
    again = FileJournal(tmp_path)
    assert everything(again) == {"kept": Letter(b"kept", 1), "counter": Letter(b"", 99_999)}
    again.close()


def test_a_value_of_another_shape_names_its_key(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.put("mns.messages", "a", {"body": 5})

    with pytest.raises(DamagedJournal, match=r"mns\.messages 'a' is not a Letter"):
        everything(journal)

    journal.close()


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from localcloud.file_journal import FileJournal\n"
        "journal = FileJournal(pathlib.Path(sys.argv[1]), slack_bytes=3000)\n"
        "for n in range(10**9):\n"
        "    journal.put('c', f'k{n % 50}', n)\n"
        "    journal.flush()\n"
        "    print(n, flush=True)\n"
    )
    for rounds in (50, 333, 1200):
        folder = tmp_path / str(rounds)
        process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None

        last = -1
        for line in process.stdout:
            last = int(line)
            if last >= rounds:
                break
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        last = int(rest[-1]) if rest and rest[-1].isdigit() and len(rest) > 1 else last

        journal = FileJournal(folder)
        kept = dict(journal.load("c", int))
        journal.close()
        assert all(kept[f"k{n % 50}"] >= n for n in range(max(0, last - 49), last + 1))


STEPS = st.lists(
    st.tuples(st.sampled_from("pdfr"), st.sampled_from("abcd"), st.integers(0, 9)), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_journal_and_a_dictionary_agree_over_puts_drops_and_restarts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = FileJournal(folder, slack_bytes=0)
    model: dict[str, int] = {}

    for step, key, value in steps:
        if step == "p":
            journal.put("c", key, value)
            model.pop(key, None)
            model[key] = value
        elif step == "d":
            journal.drop("c", key)
            model.pop(key, None)
        elif step == "f":
            journal.flush()
        else:
            journal.close()
            journal = FileJournal(folder, slack_bytes=0)

    assert list(journal.load("c", int)) == list(model.items())
    journal.close()
