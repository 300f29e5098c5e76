"""`fleetrun dlq`: what could not be handled, why, and once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from cli import options

if TYPE_CHECKING:
    from cli.queues import Letter, Queues

LOOKS_MAX = 200
"""Ours: calls that one `redrive` makes to find its messages."""


@click.group()
def dlq() -> None:
    """Messages that could not be handled."""


@dlq.command("list")
@options.as_json
@options.endpoint
def list_letters(*, as_json: bool, endpoint: str | None) -> None:
    """Up to 16 dead letters that are visible now, without taking them out."""
    from cli import queues, show
    from cli.connection import connect
    from cli.letters import letter_json, understood

    connected = connect(endpoint).queues
    found = [understood(letter) for letter in connected.peek(queues.DEAD_LETTERS)]
    if as_json:
        show.as_json([letter_json(dead) for dead in found])
        return
    if not found:
        show.err().print("No dead letters.")
    for dead in found:
        told = show.first_lines(dead.reason, width=72)
        show.out().print(f"{show.one_line(dead.letter.message_id)}  {told}")
    if len(found) == queues.PER_CALL_MAX:
        count = connected.attributes(queues.DEAD_LETTERS).visible
        if count > len(found):
            show.err().print(f"These are {len(found)} of about {count:,}; MNS shows no more at a time.")


@dlq.command("show")
@click.argument("message_id", metavar="ID")
@options.as_json
@options.endpoint
def show_letter(*, message_id: str, as_json: bool, endpoint: str | None) -> None:
    """One dead letter: its reason and what had been sent."""
    from cli import queues, show
    from cli.connection import connect
    from cli.letters import letter_json, understood
    from shared.core.errors import Refused

    letters = connect(endpoint).queues.peek(queues.DEAD_LETTERS)
    found = [understood(letter) for letter in letters if letter.message_id == message_id]
    if not found:
        raise Refused(
            f"no dead letter {message_id!r} is visible now; fleetrun dlq list shows 16 of them", code="NoLetter"
        )
    if as_json:
        show.as_json(letter_json(found[0]))
        return
    show.out().print(show.harmless(found[0].reason))
    for body in found[0].bodies:
        show.out().print(show.harmless(body.decode("utf-8", "replace")))
    if not found[0].bodies:
        show.err().print("What had been sent was too long to be kept whole; it cannot be sent again from here.")


@dlq.command("redrive")
@click.argument("message_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead letters that lie there now.")
@options.as_json
@options.endpoint
def redrive(*, message_ids: tuple[str, ...], everything: bool, as_json: bool, endpoint: str | None) -> None:
    """Send dead letters to their queue once more, and take them off the dead-letter queue.

    A request that had its run is recognised by its requestId: sending it again starts nothing twice.
    """
    from cli import show
    from cli.connection import connect
    from shared.core.errors import Refused

    if everything == bool(message_ids):
        raise Refused("give the ID of one or more dead letters, or --all", code="BadUsage")
    done = _redrive(connect(endpoint).queues, None if everything else message_ids)
    if as_json:
        show.as_json({"redriven": done.moved, "kept": done.kept})
    else:
        show.out().print(f"{show.number(len(done.moved), 'message')} sent again")
        for each in done.kept:
            show.err().print(f"kept {show.one_line(each)}: it was cut when it was put there, and cannot be sent again")
    missing = [each for each in message_ids if each not in done.moved]
    if missing:
        raise Refused(f"not sent again: {', '.join(missing)}; fleetrun dlq list shows what is there", code="NoLetter")


@dataclass
class _Redriven:
    moved: list[str] = field(default_factory=list)
    """Ids of letters sent again."""
    kept: list[str] = field(default_factory=list)
    """Of those that cannot be."""
    seen: list[str] = field(default_factory=list)
    """Receipts of letters that were looked at and stay."""


def _redrive(queues: Queues, wanted: Sequence[str] | None) -> _Redriven:
    """None: as many as there are now, so that those which fail again at once are not sent round and round."""
    from cli.queues import DEAD_LETTERS
    from shared.core.errors import Refused

    done = _Redriven()
    left = queues.attributes(DEAD_LETTERS).visible if wanted is None else len(wanted)
    for _ in range(LOOKS_MAX):
        letters = queues.receive(DEAD_LETTERS) if left > 0 else []
        if not letters:
            break
        for letter in letters:
            if left > 0 and (wanted is None or letter.message_id in wanted):
                left -= 1
                _send_again(queues, letter, done)
            else:
                done.seen.append(letter.receipt)
    for receipt in done.seen:
        try:
            queues.release(DEAD_LETTERS, receipt)
        except Refused:
            continue  # its time was up: it is visible already
    return done


def _send_again(queues: Queues, letter: Letter, done: _Redriven) -> None:
    """Sends first, deletes then: a crash in between doubles a message, which its row recognises, and loses none."""
    from cli.letters import queue_of, understood
    from cli.queues import DEAD_LETTERS

    bodies = understood(letter).bodies
    for body in bodies:
        queues.send(queue_of(body), body)
    if bodies:
        queues.delete(DEAD_LETTERS, letter.receipt)
        done.moved.append(letter.message_id)
    else:
        done.kept.append(letter.message_id)
        done.seen.append(letter.receipt)
