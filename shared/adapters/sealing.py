"""Sealer and Signatures on the package `cryptography`: AES-256-GCM and Ed25519.

The sealing key is a setting (FLEETRUN_SEALING_KEY, 64 hexadecimal digits). Without it nothing can be sealed, and so
there are no webhooks; everything else works. Imported when it is first needed: most calls verify nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from shared.core.errors import Refused

_NONCE_BYTES = 12
_FORM = "aesgcm1:"


class AesSealer:
    def __init__(self, key_hex: str, *, chance: Callable[[int], bytes]) -> None:
        """`chance`: so many random bytes."""
        self._key = bytes.fromhex(key_hex)
        self._chance = chance

    def seal(self, secret: bytes, *, purpose: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._chance(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._checked()).encrypt(nonce, secret, purpose.encode())
        return _FORM + base64.b64encode(sealed).decode()

    def open(self, sealed: str, *, purpose: str) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._checked()
        try:
            raw = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise Refused(
                f"the secret of {purpose} cannot be opened: was SealingKey changed? Set the secret again",
                code="SealBroken",
            ) from None

    def _checked(self) -> bytes:
        if not self._key:
            raise Refused(
                "webhooks need a sealing key: set SealingKey of the template (FLEETRUN_SEALING_KEY) to 64 hex digits",
                code="NoSealingKey",
            )
        return self._key


class Ed25519Signatures:
    def public_key(self, seed: bytes) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()

    def sign(self, seed: bytes, content: bytes) -> bytes:
        """The client's half."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(seed).sign(content)

    def verifies(self, public_key: str, signature: bytes, content: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True
