"""`fleetrun schedule preview`: what an expression will do, without any cloud."""

from __future__ import annotations

import pytest

from tests.cli.command_line import CommandLine


@pytest.fixture
def fleetrun() -> CommandLine:
    return CommandLine({})


def test_the_next_firings_are_told_in_utc_and_by_the_clocks_of_the_zone(fleetrun: CommandLine) -> None:
    said = fleetrun("schedule", "preview", "0 0 8 ? * MON-FRI", "--from", "2026-01-01T00:00:00", "-n", "3", "--json")

    assert said.code == 0
    assert [(each["utc"], each["zone"]) for each in said.json["fires"]] == [
        ("2026-01-01T00:00:00Z", "2026-01-01T08:00:00+08:00"),
        ("2026-01-02T00:00:00Z", "2026-01-02T08:00:00+08:00"),
        ("2026-01-05T00:00:00Z", "2026-01-05T08:00:00+08:00"),
    ]
    assert said.json["expression"] == "0 0 8 ? * MON-FRI Asia/Shanghai"
    assert said.json["words"].startswith("at 08:00:00 on Monday, Tuesday")


def test_a_zone_stands_for_one_that_the_expression_does_not_name(fleetrun: CommandLine) -> None:
    words = ("--zone", "Europe/Berlin", "--from", "2026-03-28T12:00:00", "-n", "2", "--json")

    without = fleetrun("schedule", "preview", "0 30 2 * * ?", *words).json
    named = fleetrun("schedule", "preview", "0 30 2 * * ? UTC", *words).json

    assert [each["utc"] for each in without["fires"]] == ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
    assert [each.get("flag", "") for each in without["fires"]] == ["gap", ""]
    assert (named["zone"], named["fires"][0]["utc"]) == ("UTC", "2026-03-29T02:30:00Z")


def test_the_hour_that_comes_twice_is_flagged(fleetrun: CommandLine) -> None:
    said = fleetrun(
        "schedule", "preview", "0 30 2 * * ? Europe/Berlin", "--from", "2026-10-24T12:00:00+02:00", "-n", "1"
    )

    assert "2026-10-25T00:30:00Z" in said.out
    assert "double: the clock shows this time twice on that day" in said.out


def test_units_a_day_are_told_for_that_many_targets(fleetrun: CommandLine) -> None:
    words = ("schedule", "preview", "0 */10 * * * ?", "--targets", "120")

    assert "takes 3 units each time, at most 432 a day (144 firings)" in fleetrun(*words).out
    assert fleetrun(*words, "--json").json["unitsPerDay"] == 432


def test_an_expression_that_ends_shows_fewer_firings(fleetrun: CommandLine) -> None:
    said = fleetrun(
        "schedule", "preview", "0 0 12 30,31 12 ? 2026 UTC", "--from", "2026-12-30T13:00:00", "-n", "5", "--json"
    )

    assert [each["utc"] for each in said.json["fires"]] == ["2026-12-31T12:00:00Z"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("0 0 8 ? * 5-7",), "write 5,6,7"),
        (("0 0 12 1 1 ? 2020",), "it has no time left to fire"),
        (("0 0 0 30 2 ?",), "no day of the calendar is like that"),
        (("0/5 * * * * ?",), "it must be at least 10 s"),
        (("0/30 * * * * ?", "--timeout", "60"), "make the timeout shorter"),
        (("0 0 8 * * ?", "--from", "tomorrow"), "write it like 2026-01-01T00:00:00"),
        (("0 0 8 * * ?", "--zone", "CET+1"), "time zone"),
    ],
)
def test_what_is_refused_ends_with_code_2_and_a_sentence(
    fleetrun: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    said = fleetrun("schedule", "preview", *words, "--json")

    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
