"""Holding a run: one holder at a time moves it, and a holder that lost its lease can do no harm.

A hold begins with the claim (a conditional write that takes the lease), collects what the step changes, and ends with
the commit: chunk rows, then the events under numbers not yet real, then the head row, which makes them real.
Whatever loses a conditional write on the way is void: `Fenced`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.core import emit
from shared.core.emit import Draft
from shared.core.errors import Fenced, Unavailable, UnknownOutcome
from shared.core.model import Chunk, Event, Run, StopMark
from shared.core.roll_up import counts_of, counts_over_run, end_of, is_all_ended
from shared.core.transitions import CHUNK, ENDS_OF_RUN, RUN, check
from shared.ports import ChunkWrite, Policy, Ports


@dataclass
class Hold:
    """A run under our lease, with everything that this step has read and changed."""

    ports: Ports
    policy: Policy
    run: Run
    """The working copy; its version is the one that is stored."""
    stops: list[StopMark]
    chunks: dict[int, Chunk] = field(default_factory=dict)
    """Working copies of the chunks that are taken up."""
    stored: dict[int, Chunk] = field(default_factory=dict)
    """The same chunks as they are stored."""
    outputs: dict[int, dict[int, bytes]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """Committed by this hold, not yet known to be published."""
    due: list[int] = field(default_factory=list)
    looked_for: set[int] = field(default_factory=set)
    """Chunks in doubt that ECS did not list when asked in this step: their token may be sent again."""
    closed_day: str = ""
    """The day of which ECS has said in this step that it is used up."""
    progressed: bool = False
    withdrawn: frozenset[str] = field(init=False)
    """Instances that a partial stop named: not started any more if they were not. Of the marks, not of the head row:
    ten large stops would not fit there."""

    def __post_init__(self) -> None:
        self.withdrawn = frozenset(instance_id for mark in self.stops for instance_id in mark.instance_ids)

    @property
    def now_ms(self) -> int:
        return self.ports.clock.now_ms()

    def change(self, **changes: object) -> None:
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]

    def again_at(self, due_ms: int) -> None:
        """Asks for an advance at that time; the earliest one asked for counts."""
        self.due.append(due_ms)

    def say(self, *drafts: Draft) -> None:
        self.drafts.extend(drafts)

    def take_up(self, chunks: list[Chunk]) -> None:
        """Chunks as read from the store become working copies."""
        for chunk in chunks:
            self.chunks[chunk.number] = self.stored[chunk.number] = chunk

    def put(self, chunk: Chunk, outputs: Mapping[int, bytes] | None = None) -> None:
        """The chunk's new state; its status moves only as the table allows."""
        check(CHUNK, self.chunks[chunk.number].status, chunk.status)
        self.chunks[chunk.number] = chunk
        if outputs:
            self.outputs.setdefault(chunk.number, {}).update(outputs)

    def write_run(self, **changes: object) -> None:
        """Writes the head row. Raises Fenced when somebody else has moved it on."""
        written = self.run.next(**changes)
        if not _won(self.ports, written):
            raise Fenced(f"{self.run.run_id} has moved on from version {self.run.version}")
        self.run = written

    def write_chunks(self) -> None:
        """Writes the chunks that changed. Raises Fenced when one was moved on by somebody else."""
        writes = [
            ChunkWrite(replace(chunk, version=chunk.version + 1), self.outputs.get(number, {}))
            for number, chunk in sorted(self.chunks.items())
            if chunk != self.stored[number]
        ]
        if not writes:
            return
        if not _chunks_won(self.ports, writes):
            raise Fenced(f"a chunk of {self.run.run_id} has moved on")
        self.take_up([write.chunk for write in writes])
        self.outputs.clear()

    def commit(self) -> None:
        """Makes the step real; from then on its events exist and the next advance is due."""
        self.write_chunks()
        self._announce()
        self._roll_up()
        events = emit.numbered(self.run, self.drafts, account_id=self.policy.account_id, now_ms=self.now_ms)
        if events:
            self.ports.runs.put_events(events, base_version=self.run.version)
        self.write_run(
            lease_until_ms=0,
            attempts=0,
            event_seq=self.run.event_seq + len(events),
            wakeup_no=self.run.wakeup_no + 1,
            due_ms=self._due_ms(),
        )
        self.events, self.drafts = events, []

    def _announce(self) -> None:
        """New outcomes become drafts; a chunk all of whose outcomes are announced is closed."""
        active, closed = dict(self.run.active), dict(self.run.closed_counts)
        repeated = dict(self.run.repeated)
        for number in sorted(active):
            chunk = self.chunks.get(number)
            if chunk is None:
                continue
            if chunk.repeated:
                self.say(*emit.repetitions_finished(chunk, announced=repeated.get(number, 0)))
                repeated[number] = chunk.repeated
            self.say(*emit.targets_finished(chunk, announced=active[number]))
            ended = max((target.ended_no for target in chunk.targets), default=0)
            self.progressed = self.progressed or ended > active[number]
            active[number] = ended
            if chunk.status == "Finished":
                del active[number]
                repeated.pop(number, None)
                for status, count in sorted(counts_of([chunk]).items()):
                    closed[status] = closed.get(status, 0) + count
        if self.progressed:
            self.change(outcome_ms=self.now_ms)
        self.change(active=active, closed_counts=closed, repeated=repeated)

    def _roll_up(self) -> None:
        """Counts, status, and the end of the run with its last event."""
        run = self.run
        if run.status not in ENDS_OF_RUN and run.status != "Accepted":
            counts = counts_over_run(run, [self.chunks[number] for number in sorted(run.active)])
            self.change(counts=counts)
            status = end_of(run, counts) if is_all_ended(run) else self._status_on_the_way()
            self.change(status=check(RUN, run.status, status))
        if self.run.status in ENDS_OF_RUN and not run.finished_ms:
            self.change(finished_ms=self.now_ms)
            if run.request is not None:
                self.say(emit.finished(self.run))

    def _status_on_the_way(self) -> str:
        run = self.run
        if run.halted == "StopRequested":
            return "Stopping"
        # What an intent still names may have been sent, whatever its row says (sim seed 16004251).
        sent = run.sending or [number for number in run.active if self.chunks[number].status != "Planned"]
        if run.deferred_to and not sent:
            return "Deferred"
        if sent or any(run.spent.values()):
            return "Scheduled" if run.is_repeating else "Running"
        return run.status

    def _due_ms(self) -> int:
        if self.run.status in ENDS_OF_RUN:
            return self.now_ms
        assert self.due, f"{self.run.run_id} would never be advanced again"
        return max(self.now_ms, min(self.due))


def claim(ports: Ports, policy: Policy, run: Run, stops: list[StopMark], *, event_sent: int) -> Hold:
    """Takes the lease of `run` as it was read. Raises Fenced when somebody else was faster."""
    hold = Hold(ports, policy, run, stops)
    hold.write_run(
        holder=ports.ids.new_id(),
        lease_until_ms=ports.clock.now_ms() + policy.lease_ms,
        attempts=run.attempts + 1,  # counted by the claim only: a crash between claim and commit must use it up
        event_sent=max(run.event_sent, min(event_sent, run.event_seq)),
    )
    return hold


def _won(ports: Ports, written: Run) -> bool:
    """Whether `written` is what is stored now. A lost answer is settled by reading the row."""
    try:
        return ports.runs.update_run(written)
    except UnknownOutcome:
        ports.log("run.write_unknown", run_id=written.run_id, version=written.version)
    stored = ports.runs.read_run(written.run_id)
    if stored is not None and stored.version == written.version - 1:
        return ports.runs.update_run(written)
    # The whole of it: we may have tried to write another state under this version before, and have that one there.
    return stored is not None and stored == replace(written, request=stored.request)


def _chunks_won(ports: Ports, writes: list[ChunkWrite]) -> bool:
    try:
        return ports.runs.update_chunks(writes)
    except UnknownOutcome:
        ports.log("chunk.write_unknown", run_id=writes[0].chunk.run_id, chunks=len(writes))
    numbers = [write.chunk.number for write in writes]
    stored = {chunk.number: chunk for chunk in ports.runs.read_chunks(writes[0].chunk.run_id, numbers)}
    missing = [write for write in writes if stored[write.chunk.number].version == write.chunk.version - 1]
    if any(stored[w.chunk.number] != w.chunk for w in writes if w not in missing):
        return False
    try:
        return not missing or ports.runs.update_chunks(missing)
    except UnknownOutcome as error:
        raise Unavailable(f"the chunks of {writes[0].chunk.run_id} could not be written: {error}") from error
