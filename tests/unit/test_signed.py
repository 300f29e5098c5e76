"""Signatures: Standard Webhooks' own example, GitHub's own example, and whatever is not exactly right is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.sealing import AesSealer, Ed25519Signatures
from shared.core.access import Grant
from shared.core.errors import Refused
from shared.core.keys import (
    KeyRow,
    bootstrap_row,
    hash_of_secret,
    is_secret_of,
    key_text,
    parse_key,
    signing_seed,
)
from shared.core.signed import (
    Stamp,
    check_age,
    secret_bytes,
    sign,
    signed_content,
    stamp_of,
    verify,
    verify_github,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'


def test_the_example_of_standard_webhooks_is_verified() -> None:
    """From its reference libraries' tests, 2023."""
    stamp = stamp_of(HEADERS)

    assert verify([secret_bytes(SECRET)], stamp, BODY)
    assert sign(secret_bytes(SECRET), stamp.message_id, stamp.timestamp_s, BODY) == HEADERS["webhook-signature"]


def test_the_example_of_github_is_verified() -> None:
    """From "Validating webhook deliveries", 2025."""
    secret, body = secret_bytes("It's a Secret to Everybody"), b"Hello, World!"
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert verify_github([secret], header, body)
    assert not verify_github([secret], header.removeprefix("sha256="), body)
    assert not verify_github([secret], header.upper(), body)
    assert not verify_github([secret], "", body)
    assert not verify_github([secret], header, body + b"\n")


def test_one_good_signature_among_several_is_enough_and_so_is_one_good_secret_of_two() -> None:
    good = HEADERS["webhook-signature"]
    stamp = stamp_of({**HEADERS, "webhook-signature": f"v1,AAAA v2,{good[3:]} {good}"})

    assert verify([b"another secret of 16+"], stamp, BODY) is False
    assert verify([b"another secret of 16+", secret_bytes(SECRET)], stamp, BODY)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": HEADERS["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v1a,")},
    ],
)
def test_a_signature_of_something_else_is_none(changed: dict[str, str]) -> None:
    assert not verify([secret_bytes(SECRET)], stamp_of({**HEADERS, **changed}), BODY)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_header_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(Refused) as caught:
        stamp_of({key: value for key, value in HEADERS.items() if key != name})

    assert (caught.value.code, caught.value.field) == ("Unauthorized", name)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "with.dot"},
        {"webhook-id": "with space"},
        {"webhook-id": "x" * 257},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 11)},
    ],
)
def test_a_header_of_another_form_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        stamp_of({**HEADERS, **changed})

    assert caught.value.code == "Unauthorized"


@pytest.mark.parametrize(("age_s", "good"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_five_minutes_either_way_are_borne(age_s: int, good: bool) -> None:
    def check() -> None:
        check_age(1_000_000 - age_s, now_ms=1_000_000_000, age_s_max=300)

    if good:
        check()
    else:
        with pytest.raises(Refused) as caught:
            check()
        assert caught.value.code == "Stale"


@given(st.binary(max_size=50), st.integers(0, 2**40), st.binary(max_size=50), st.integers(0, 2**40))
def test_no_two_messages_have_one_content(body: bytes, at: int, other: bytes, other_at: int) -> None:
    same = signed_content("m", at, body) == signed_content("m", other_at, other)

    assert same is ((body, at) == (other, other_at))


@given(st.binary(min_size=16, max_size=64), st.binary(max_size=200), st.integers(0, 7), st.data())
def test_a_body_with_one_bit_turned_is_not_verified(secret: bytes, body: bytes, bit: int, data: st.DataObject) -> None:
    stamp = Stamp("m", 5, (sign(secret, "m", 5, body),))
    at = data.draw(st.integers(0, len(body)))
    turned = body + b"x" if at == len(body) else body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]

    assert verify([secret], stamp, body)
    assert not verify([secret], stamp, turned)


@pytest.mark.parametrize("text", ["whsec_****", "whsec_" + base64.b64encode(b"short").decode(), "short", "x" * 129])
def test_a_secret_that_is_none_or_too_short_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        secret_bytes(text)

    assert caught.value.field == "secret"
    assert text not in caught.value.message


# -- keys -------------------------------------------------------------------------------------------------------------
SECRET_HEX = "0f" * 32


def row_of(secret: str = SECRET_HEX, **changes: int) -> KeyRow:
    return KeyRow(
        key_id="0123456789ab",
        hash=hash_of_secret(secret),
        public_key=Ed25519Signatures().public_key(signing_seed(secret)),
        grant=Grant(name="g"),
        created_ms=1,
        created_by="x",
        **changes,
    )


def test_a_key_is_known_by_its_secret_only_and_its_row_does_not_hold_it() -> None:
    row, text = row_of(), key_text("0123456789ab", SECRET_HEX)

    assert parse_key(text) == ("0123456789ab", SECRET_HEX)
    assert is_secret_of(SECRET_HEX, row)
    assert not is_secret_of("00" * 32, row)
    assert not is_secret_of(SECRET_HEX, None)
    assert not is_secret_of("0" * 64, None)
    assert SECRET_HEX not in repr(row)
    assert signing_seed(SECRET_HEX).hex() not in repr(row)


@pytest.mark.parametrize("text", ["", "frk_", "frk_0123456789ab_", "FRK_0123456789ab_" + SECRET_HEX, "x" + SECRET_HEX])
def test_what_is_no_key_is_none(text: str) -> None:
    assert parse_key(text) is None


def test_a_key_is_in_force_until_it_expires_or_is_revoked() -> None:
    assert row_of().why_not(now_ms=10**15) == ""
    assert row_of(expires_ms=100).why_not(now_ms=99) == ""
    assert row_of(expires_ms=100).why_not(now_ms=100) == "has expired"
    assert row_of(revoked_ms=1).why_not(now_ms=0) == "was revoked"


def test_the_first_key_is_an_admins_and_a_setting_of_another_form_is_refused() -> None:
    row = bootstrap_row(f"0123456789ab:{hash_of_secret(SECRET_HEX)}")

    assert row.grant.role == "admin"
    assert is_secret_of(SECRET_HEX, row)
    for wrong in ("", "0123456789ab", f"0123456789ab:{'g' * 64}", f"{'0' * 64}:0123456789ab"):
        with pytest.raises(Refused):
            bootstrap_row(wrong)


def test_who_holds_the_row_of_a_key_can_verify_and_not_sign() -> None:
    ed25519, row = Ed25519Signatures(), row_of()
    signature = ed25519.sign(signing_seed(SECRET_HEX), b"content")

    assert ed25519.verifies(row.public_key, signature, b"content")
    assert not ed25519.verifies(row.public_key, signature, b"other")
    assert not ed25519.verifies(row.public_key, b"", b"content")
    assert not ed25519.verifies("zz", signature, b"content")
    # The hash that the row holds is not the seed of the private key.
    assert ed25519.public_key(bytes.fromhex(row.hash)) != row.public_key


def test_a_sealed_secret_opens_for_its_purpose_and_with_its_key_only() -> None:
    numbers = iter(range(1, 100))
    sealer = AesSealer("ab" * 32, chance=lambda size: bytes([next(numbers)]) * size)

    sealed = sealer.seal(b"secret", purpose="hook:a")

    assert sealer.open(sealed, purpose="hook:a") == b"secret"
    assert sealer.seal(b"secret", purpose="hook:a") != sealed
    for other, text, purpose in [
        (sealer, sealed, "hook:b"),
        (AesSealer("cd" * 32, chance=bytes), sealed, "hook:a"),
        (sealer, sealed[:-4] + "AAA=", "hook:a"),
        (sealer, "x", "hook:a"),
    ]:
        with pytest.raises(Refused) as caught:
            other.open(text, purpose=purpose)
        assert caught.value.code == "SealBroken"
    with pytest.raises(Refused, match="sealing key"):
        AesSealer("", chance=bytes).seal(b"secret", purpose="hook:a")
