"""Threads side by side, and patience with a bound."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.system import RandomIds, SystemClock, ThreadLanes
from shared.core.errors import Unavailable, UnknownOutcome
from tests.adapters.clients import Sleepless


class Gauge:
    """How many were inside at once, at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def visit(self, item: int) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        threading.Event().wait(0.002)
        with self.lock:
            self.now -= 1
        return item * 2


def test_answers_come_in_the_order_of_the_items_whoever_is_first() -> None:
    lanes = ThreadLanes(threads_max=8)

    assert lanes.each(Gauge().visit, range(50), width=8) == [item * 2 for item in range(50)]


@pytest.mark.parametrize(("width", "threads_max"), [(3, 8), (8, 3)])
def test_never_more_than_allowed_are_inside_at_once(width: int, threads_max: int) -> None:
    gauge = Gauge()

    ThreadLanes(threads_max=threads_max).each(gauge.visit, range(40), width=width)

    assert 2 <= gauge.most <= 3


def test_lanes_within_lanes_come_to_an_end() -> None:
    lanes = ThreadLanes(threads_max=2)

    def outer(item: int) -> int:
        return sum(lanes.each(lambda inner: inner + item, range(4), width=4))

    with ThreadPoolExecutor(1) as watched:
        answers = watched.submit(lambda: lanes.each(outer, range(6), width=2)).result(timeout=10)

    assert answers == [6 + 4 * item for item in range(6)]


def test_no_items_and_one_item_need_no_thread() -> None:
    lanes = ThreadLanes(threads_max=2)
    here = threading.get_ident()

    assert lanes.each(lambda item: item, [], width=2) == []
    assert lanes.each(lambda _item: threading.get_ident(), [1], width=2) == [here]


def test_ids_have_sixteen_characters_and_differ() -> None:
    ids = [RandomIds().new_id() for _ in range(100)]

    assert {len(one) for one in ids} == {16}
    assert len(set(ids)) == 100


def test_the_clock_counts_milliseconds_since_1970() -> None:
    assert 1_700_000_000_000 < SystemClock().now_ms() < 4_000_000_000_000


def test_patience_ends_when_the_next_pause_would_be_too_late() -> None:
    sleepless = Sleepless()
    tries: list[int] = []

    def slow() -> None:
        tries.append(1)
        sleepless.clock.advance(7_900)
        raise Unavailable("busy")

    with pytest.raises(Unavailable):
        sleepless.patience.repeat(slow)

    assert len(tries) == 1


def test_patience_never_repeats_what_may_have_happened() -> None:
    tries: list[int] = []

    def act() -> None:
        tries.append(1)
        raise UnknownOutcome("gone")

    with pytest.raises(UnknownOutcome):
        Sleepless().patience.repeat(act)

    assert len(tries) == 1


def test_patience_leaves_what_will_not_pass() -> None:
    tries: list[int] = []

    def act() -> None:
        tries.append(1)
        raise Unavailable("no permission")

    with pytest.raises(Unavailable):
        Sleepless().patience.repeat(act, when=lambda error: "busy" in error.message)

    assert len(tries) == 1
