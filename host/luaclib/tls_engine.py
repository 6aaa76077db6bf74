"""TLS without a socket, on Python's ssl: what ltls.pyx offers to Lua. Bytes go in, bytes come out.

Peers are not verified, as in the original.
"""

from __future__ import annotations

import ssl

__all__ = ["TlsContext", "TlsEngine", "TlsError"]

_READ = 65536


class TlsError(Exception):
    """A failure, worded as the original words it."""


def _code(error: OSError) -> int:
    """The number that SSL_get_error would give: 1 is a protocol failure."""
    return error.errno if isinstance(error, ssl.SSLError) and error.errno else ssl.SSL_ERROR_SSL


class TlsContext:
    """Certificate and ciphers; one context serves both roles. Source: ltls.c, sslctx."""

    def __init__(self) -> None:
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def set_cert(self, certfile: str, keyfile: str) -> None:
        """Load a certificate chain and its private key, both PEM files.

        Raises:
            TlsError: naming the step that failed.
        """
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certfile)
        except OSError:
            raise TlsError("SSL_CTX_use_certificate_chain_file error:0") from None
        try:
            for context in (self.client, self.server):
                # An encrypted key is not asked for its password: there is nobody to answer.
                context.load_cert_chain(certfile, keyfile, password=lambda: "")
        except OSError as error:
            mismatch = isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH"
            step = "SSL_CTX_check_private_key" if mismatch else "SSL_CTX_use_PrivateKey_file"
            raise TlsError(f"{step} error:0") from None

    def set_ciphers(self, ciphers: str) -> None:
        """Set the cipher list of TLS 1.2 and below.

        The original takes its argument for a list of SRTP profiles instead, and fails for every cipher list.

        Raises:
            TlsError: there is no such cipher.
        """
        try:
            self.client.set_ciphers(ciphers)
            self.server.set_ciphers(ciphers)
        except ssl.SSLError:
            raise TlsError("SSL_CTX_set_cipher_list error:0") from None


class TlsEngine:
    """One connection. Source: ltls.c, tls."""

    def __init__(self, context: TlsContext, server: bool, hostname: str | None) -> None:
        self.finished = False
        self._context = context
        self._server = server
        self._hostname = hostname
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl: ssl.SSLObject | None = None

    def set_hostname(self, hostname: str) -> bool:
        """Set the name that a client asks for (SNI); False when the handshake has begun."""
        if self._ssl is not None:
            return False
        self._hostname = hostname
        return True

    def handshake(self, incoming: bytes | None) -> bytes | None:
        """Go on with the handshake and return what to send. When it completes, what is left to send stays for `write`.

        Raises:
            TlsError: it is finished, or has failed.
        """
        if self.finished:
            raise TlsError("handshake is finished")
        if incoming:
            self._incoming.write(incoming)
        try:
            if self._ssl is None:
                self._ssl = self._wrap()
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read() or None
        except (OSError, ValueError) as error:
            code = _code(error) if isinstance(error, OSError) else ssl.SSL_ERROR_SSL
            raise TlsError(f"SSL_do_handshake error:{code} ret:-1") from None
        self.finished = True
        return None

    def _wrap(self) -> ssl.SSLObject:
        if self._server:
            return self._context.server.wrap_bio(self._incoming, self._outgoing, server_side=True)
        return self._context.client.wrap_bio(
            self._incoming, self._outgoing, server_hostname=self._hostname or None)

    def read(self, incoming: bytes | None) -> bytes:
        """Return what can be decrypted now, and b"" when that is nothing.

        Raises:
            TlsError: what came in is not TLS, or the handshake is not finished.
        """
        if incoming:
            self._incoming.write(incoming)
        parts = []
        try:
            while True:
                if self._ssl is None:
                    raise TlsError(f"SSL_read error:{ssl.SSL_ERROR_SSL}")
                part = self._ssl.read(_READ)
                if not part:
                    break
                parts.append(part)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        except OSError as error:
            # What came before the garbage is good, and the next call fails again.
            if not parts:
                raise TlsError(f"SSL_read error:{_code(error)}") from None
        return b"".join(parts)

    def write(self, plain: bytes | None) -> bytes:
        """Encrypt, and return everything that is to be sent.

        Raises:
            TlsError: the handshake is not finished.
        """
        try:
            view = memoryview(plain or b"")
            while view:
                if self._ssl is None:
                    raise TlsError(f"SSL_write error:{ssl.SSL_ERROR_SSL}")
                view = view[self._ssl.write(view):]
        except OSError as error:
            raise TlsError(f"SSL_write error:{_code(error)}") from None
        return self._outgoing.read()
