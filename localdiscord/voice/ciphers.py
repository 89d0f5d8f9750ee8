"""The encryption between a client and the voice server, in the two modes that Discord still offers.

Both authenticate the RTP header and append the nonce, a 32-bit counter, to the packet ("rtpsize"). The older
`xsalsa20_poly1305` modes were switched off by Discord in November 2024 and are refused here too.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEY_SIZE", "Cipher", "DecryptError", "MissingLibraryError", "cipher", "offered_modes", "require"]

KEY_SIZE = 32
"""Bytes."""

COUNTER_SIZE = 4
"""Bytes of the nonce that travel with a packet."""

TAG_SIZE = 16


class DecryptError(Exception):
    """A packet was not encrypted with this key, or was changed on its way."""


class MissingLibraryError(RuntimeError):
    """The library that a mode needs is not installed."""


class Cipher(Protocol):
    """Encrypts and decrypts with one key."""

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        """Encrypt, and authenticate the header beside it."""
        ...

    def open(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        """Decrypt; raises DecryptError where key, header or bytes are not the ones that were sealed."""
        ...


class _XChaCha20:
    def __init__(self, key: bytes) -> None:
        from nacl.secret import Aead  # noqa: PLC0415  only where voice is used

        self._box = Aead(key)

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        return bytes(self._box.encrypt(plain, header, counter.ljust(self._box.NONCE_SIZE, b"\0")).ciphertext)

    def open(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        from nacl.exceptions import CryptoError  # noqa: PLC0415

        try:
            return bytes(self._box.decrypt(sealed, header, counter.ljust(self._box.NONCE_SIZE, b"\0")))
        except CryptoError as error:
            raise DecryptError(str(error)) from None


class _Aes256Gcm:
    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  only where voice is used

        self._box = AESGCM(key)

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        return self._box.encrypt(counter.ljust(12, b"\0"), plain, header)

    def open(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._box.decrypt(counter.ljust(12, b"\0"), sealed, header)
        except InvalidTag:
            raise DecryptError("the packet was sealed with another key, or changed") from None


_MODES: dict[str, tuple[Callable[[bytes], Cipher], str, str]] = {
    "aead_aes256_gcm_rtpsize": (_Aes256Gcm, "cryptography", "cryptography"),
    "aead_xchacha20_poly1305_rtpsize": (_XChaCha20, "nacl", "PyNaCl"),
}
"""What a mode is made by, and the module and the distribution that it needs."""


def offered_modes() -> list[str]:
    """Return the modes whose library is installed, the preferred one first."""
    return [mode for mode, (_, module, _) in _MODES.items() if importlib.util.find_spec(module)]


def cipher(mode: str, key: bytes) -> Cipher:
    """Return the cipher of a mode.

    Args:
        mode: its name in the protocol.
        key: `KEY_SIZE` bytes.

    Raises:
        KeyError: there is no such mode.
        MissingLibraryError: its library is not installed.
    """
    make, module, distribution = _MODES[mode]
    require(module, distribution, f"the voice mode {mode}")
    return make(key)


def require(module: str, distribution: str, purpose: str) -> None:
    """Make sure that a library is there.

    Args:
        module: what is imported.
        distribution: what is installed.
        purpose: what for.

    Raises:
        MissingLibraryError: it is not.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingLibraryError(f"{purpose} needs {distribution}: install it with `pip install {distribution}`")
