"""Seeds that once broke an invariant, or broke a handler, and what was mended. One that no longer tells its old story
(the worlds have changed since) stays: it costs 30 ms.
"""

from __future__ import annotations

REGRESSIONS: dict[int, str] = {
    92: "a rest whose row could not be read had joined the run all the same, and the step broke on it",
    160: "an intent replaced another one whose chunks were still in doubt",
    309: "a permission that ECS denied to us was taken for a fault of the message",
    475: "the same: one message had a run and a rejection",
    1346: "a zombie took up a chunk that a later holder had sent; later: an intent overtaken by midnight was unpaid",
    4607: "a zombie with an old head row believed in chunks that were sent since",
    5013: "the same, after a day's wait",
    5850: "a target was withdrawn after its chunk's token had left",
    10144: "two writes under one version: the first was taken for the second, whose events were published",
    10706: "a rejection that should not have been was never heard of again",
    11132: "the unit of a chunk in doubt was given away, and the call had happened",
    1034446: "a chunk in doubt passed for paid on a day whose units the head row had not spent",
    13012723: "a step whose intent was not written went on from an older row, and was fenced by its own",
    9094804: "a zombie cut down a chunk that a later holder was sending, and its targets ran twice",
    9087882: "a target whose success ECS had told was Unknown, because its output could not be fetched",
    7002769: "a stop that lost the claim to another stop was not looked at again before the sweep",
    4036405: "the double called what had ended unheard Cancelled, and later Error",
    43233: "a zombie read a chunk as planned that a later holder had sent",
    1003789: "a rejection that poison had interrupted was never completed",
    1014460: "a message that broke its function five times passed for the run of another body",
    1017815: "a stop whose message was lost waited until its run was due",
    1023091: "a stop lost what a crash had cut off from a chunk that was not taken up yet",
}
"""Seed → what was wrong."""
