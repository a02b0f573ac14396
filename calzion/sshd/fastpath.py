"""What a client sends goes straight to git: decrypted in one piece, written to its input without a detour.

Everything that leans on Paramiko's private parts is in this file. `works` tries it, and where it does not work
with the Paramiko that is installed, connections go Paramiko's own way, which is slower and nothing else.
"""

from __future__ import annotations

import logging
import mmap
import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import paramiko
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from paramiko.common import MSG_CHANNEL_DATA, MSG_IGNORE, cMSG_CHANNEL_WINDOW_ADJUST
from paramiko.packet import NeedRekeyException, Packetizer

from calzion.sshd.wire import ADDITIONS, BoundedPacketizer, Wire

_log = logging.getLogger(__name__)

_BUFFER = 1 << 19
_BULK = 1 << 20
_GCM = frozenset({"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"})
_TAG = 16
_SMALLEST = 16
_DATA_HEAD = 10
"""Bytes before the data: length of the padding, kind, channel, length."""


class Inlet:
    """Stands where a channel keeps what it received, and passes it on to a descriptor.

    `feed` and `close` are the channel's, called by the connection's thread, which never waits here and never
    sends: what git does not take at once is kept, up to the window, for the thread that is in `run`. That one also
    gives the client room, since only it may wait for a key exchange to end.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel: Any = channel
        self._changed = threading.Condition()
        self._kept: deque[bytes] = deque()
        self._target = -1
        self._flowing = False
        self._closed = False
        self._owed = 0
        self.head = b""
        """The first bytes of all."""
        self.moved = 0.0
        """When something came last, by the monotonic clock."""

    @classmethod
    def install(cls, channel: paramiko.Channel) -> None:
        """To be called by the connection's thread, which is then not just about to feed the old buffer."""
        inlet, before = cls(channel), cast(Any, channel).in_buffer
        early = before.empty()
        cast(Any, channel).in_buffer = inlet
        cast(Any, channel.get_transport().packetizer).inlets[channel.get_id()] = inlet
        if early:
            inlet.feed(early)

    @staticmethod
    def remove(channel: paramiko.Channel) -> None:
        """What still comes goes the usual way: to a channel that is closed, where it is dropped."""
        inlets = getattr(channel.get_transport().packetizer, "inlets", {})
        inlets.pop(channel.get_id(), None)

    @classmethod
    def of(cls, channel: paramiko.Channel) -> Inlet | None:
        """The channel's, where there is one."""
        found = cast(Any, channel).in_buffer
        return found if isinstance(found, cls) else None

    def __len__(self) -> int:
        """Bytes that are kept, as channels ask to describe themselves."""
        with self._changed:
            return sum(map(len, self._kept))

    def feed(self, data: bytes | memoryview) -> None:
        self.moved = time.monotonic()
        with self._changed:
            if len(self.head) < 4:
                self.head += bytes(data[:4])
            written = self._write_at_once(data) if self._flowing else 0
            if written < len(data):
                self._flowing = False
                self._kept.append(bytes(data[written:]))
                self._changed.notify()
        if written:
            self._owe(written)

    def close(self) -> None:
        """Nothing more will be fed."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def run(self, target: int) -> None:
        """Pass everything on to `target`, which does not block, until all is passed on or nobody takes it."""
        self._target = target
        try:
            while self._step():
                pass
        except (BrokenPipeError, EOFError, OSError, paramiko.SSHException):
            return
        finally:
            with self._changed:
                self._flowing, self._target = False, -1

    def _step(self) -> bool:
        with self._changed:
            while not (self._kept or self._owed or self._closed):
                self._flowing = True
                self._changed.wait()
            data = self._kept.popleft() if self._kept else b""
            owed, self._owed = self._owed, 0
            if not data and not owed:
                return False
        if data and not self._write(data):
            return False
        self._give_room(owed + (self._channel._check_add_window(len(data)) if data else 0))
        return True

    def _write_at_once(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self._target, data)
        except BlockingIOError:
            return 0
        except OSError:  # `run` meets it again
            return 0

    def _write(self, data: bytes) -> bool:
        poll = select.poll()
        poll.register(self._target, select.POLLOUT)
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._target, left) :]
            except BlockingIOError:
                if self._channel.closed:
                    return False
                poll.poll(1000)
        return True

    def _owe(self, size: int) -> None:
        # Not under the lock of this object: a channel calls `close` under the lock that this takes.
        if room := self._channel._check_add_window(size):
            with self._changed:
                self._owed += room
                self._changed.notify()

    def _give_room(self, size: int) -> None:
        if size > 0:
            message = paramiko.Message()
            message.add_byte(cMSG_CHANNEL_WINDOW_ADJUST)
            message.add_int(self._channel.remote_chanid)
            message.add_int(size)
            self._channel.transport._send_user_message(message)


class FastPacketizer(BoundedPacketizer):
    """Reads many packets at a time. Data for an inlet goes there in AES-GCM (RFC 5647), else the usual way."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._wire = wire
        self._buffer = mmap.mmap(-1, _BUFFER)  # of which only what is used takes memory
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._own: Any = self
        self.inlets: dict[int, Inlet] = {}
        self.expects_others: Callable[[], Any] = tuple
        """Whether data may not come now: in a key exchange, once the other side began with it."""
        self.on_bulk: Callable[[], bool] | None = None
        """Asked once when much has come in another cipher: whether to exchange keys now."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if self._own._Packetizer__remainder:  # the line with the client's version came with more
            return super().read_all(n, check_rekey)
        self.check_size(n, most=self.max_packet + ADDITIONS)
        self._fill(n, check_rekey)
        self._start += n
        return bytes(self._view[self._start - n : self._start])

    def read_one(self) -> tuple[int, paramiko.Message]:
        own = self._own
        if not own._Packetizer__aead_in or own._Packetizer__compress_engine_in or self.get_hexdump():
            return self._read_slowly()
        while True:
            packet = self._decrypt()
            payload = memoryview(packet)[1 : len(packet) - packet[0]]
            if payload[0] != MSG_CHANNEL_DATA or not self._fed(payload):
                message = paramiko.Message(bytes(payload[1:]))
                message.seqno = (own._Packetizer__sequence_number_in - 1) & 0xFFFFFFFF
                return payload[0], message
            if self.need_rekey():
                raise NeedRekeyException

    def _read_slowly(self) -> tuple[int, paramiko.Message]:
        kind, message = super().read_one()
        if self.on_bulk and self._own._Packetizer__received_bytes > _BULK and not self.need_rekey():
            ask, self.on_bulk = self.on_bulk, None
            if ask():
                self._own._trigger_rekey()
        return kind, message

    def _fed(self, payload: memoryview) -> bool:
        if len(payload) < _DATA_HEAD - 1 or self.expects_others():
            return False
        channel, size = struct.unpack_from(">II", payload, 1)
        inlet = self.inlets.get(channel)
        if inlet is None or size != len(payload) - _DATA_HEAD + 1:
            return False
        inlet.feed(payload[_DATA_HEAD - 1 :])
        return True

    def _decrypt(self) -> bytes:
        """The next packet: length of the padding, payload, padding."""
        own = self._own
        self._fill(4, check_rekey=True)
        (size,) = struct.unpack_from(">I", self._buffer, self._start)
        self.check_size(size, most=self.max_packet, least=_SMALLEST)
        self._fill(4 + size + _TAG)
        body, end = self._start + 4, self._start + 4 + size + _TAG
        packet: bytes = own._Packetizer__block_engine_in.decrypt(
            own._Packetizer__iv_in, self._view[body:end], self._view[self._start : body]
        )
        self._start = end
        if packet[0] > len(packet) - 2:
            raise paramiko.SSHException("a packet can't be padding alone")
        own._Packetizer__iv_in = own._inc_iv_counter(own._Packetizer__iv_in)
        own._Packetizer__sequence_number_in = (own._Packetizer__sequence_number_in + 1) & 0xFFFFFFFF
        self._count(4 + size + _TAG)
        return packet

    def _count(self, size: int) -> None:
        """Ask for new keys in time, and do not wait for them for ever, as Paramiko does."""
        own = self._own
        own._Packetizer__received_bytes += size
        own._Packetizer__received_packets += 1
        if self.need_rekey():
            own._Packetizer__received_bytes_overflow += size
            if own._Packetizer__received_bytes_overflow >= self.REKEY_BYTES_OVERFLOW_MAX:
                raise paramiko.SSHException("the client goes on without new keys")
        elif (
            own._Packetizer__received_bytes >= self.REKEY_BYTES
            or own._Packetizer__received_packets >= self.REKEY_PACKETS
        ):
            own._Packetizer__received_bytes_overflow = own._Packetizer__received_packets_overflow = 0
            own._trigger_rekey()

    def _fill(self, size: int, check_rekey: bool = False) -> None:
        """Have `size` bytes in the buffer. Raises EOFError, or NeedRekeyException between two packets."""
        if self._end - self._start >= size:
            return
        if self._start + size > _BUFFER or self._start == self._end:
            self._buffer[: self._end - self._start] = self._buffer[self._start : self._end]
            self._start, self._end = 0, self._end - self._start
        while self._end - self._start < size:
            if self.handshake_timed_out():
                raise EOFError
            try:
                got = self._wire.recv_into(self._view[self._end :])
            except (TimeoutError, BlockingIOError):
                self._while_silent(check_rekey and self._start == self._end)
                continue
            except OSError:
                if self.closed:
                    raise EOFError from None
                raise
            if not got:
                raise EOFError
            self._end += got

    def _while_silent(self, between_packets: bool) -> None:
        if self.closed:
            raise EOFError
        if between_packets and self.need_rekey():
            raise NeedRekeyException
        self._own._check_keepalive()


class FastTransport(paramiko.Transport):
    """Changes over to AES-GCM where a client that knows it sends much.

    OpenSSH's client likes AES-CTR better, in which a server in Python takes half as much. Offered nothing else, a
    client that has only AES-CTR could not connect; so it is offered alone only when keys are exchanged again.
    """

    def __init__(self, wire: Wire, window: int) -> None:
        super().__init__(
            cast(socket.socket, wire), packetizer_class=FastPacketizer, default_window_size=window
        )
        own = cast(Any, self)
        own.packetizer.expects_others = lambda: own._expected_packet
        own.packetizer.on_bulk = self._change_over

    def _change_over(self) -> bool:
        """Whether a key exchange is to begin now."""
        return self._knows_gcm() and self._offer_gcm_alone()

    def _offer_gcm_alone(self) -> bool:
        options = self.get_security_options()
        options.ciphers = tuple(name for name in options.ciphers if name in _GCM)
        return bool(options.ciphers)

    def _knows_gcm(self) -> bool:
        """Of OpenSSH alone it is known that new keys in mid-stream are nothing special to it."""
        return self.remote_version.startswith("SSH-2.0-OpenSSH_") and all(
            map(_GCM.intersection, self._theirs)
        )

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        lists = cast(Any, self)._really_parse_kex_init(paramiko.Message(m.asbytes()))
        self._theirs = (lists["client_encrypt_algo_list"], lists["server_encrypt_algo_list"])
        super()._parse_kex_init(m)  # type: ignore[misc]  # private, and so unknown to the stubs


def works() -> bool:
    """Whether the Paramiko that is installed is one that this file knows; says in the log where it is not."""
    try:
        _try_packets()
        _try_channel()
    except Exception as error:  # whatever another Paramiko does otherwise
        _log.warning("large pushes are slower than they could be, with this version of Paramiko: %r", error)
        return False
    return True


def _try_packets() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(1)
        fast, stock = FastPacketizer(cast(Wire, ours)), Packetizer(theirs)
        cipher, iv = AESGCM(b"k" * 16), b"i" * 12
        cast(Any, stock).set_outbound_cipher(cipher, 16, None, 16, b"", aead=True, iv_out=iv)
        cast(Any, fast).set_inbound_cipher(cipher, 16, None, 16, b"", aead=True, iv_in=iv)
        for text in (b"one", b"two"):
            message = paramiko.Message()
            message.add_byte(bytes([MSG_IGNORE]))
            message.add_string(text)
            cast(Any, stock).send_message(message)
            kind, read = fast.read_message()
            if kind != MSG_IGNORE or read.get_binary() != text:
                raise ValueError("packets are read wrongly")


def _try_channel() -> None:
    channel: Any = paramiko.Channel(1)
    channel._set_window(1 << 20, 1 << 15)
    for name in ("in_buffer", "remote_chanid", "transport", "closed"):
        getattr(channel, name)
    channel.in_buffer.empty()
    channel._check_add_window(1)
    for name in ("_send_user_message", "_expect_packet", "_parse_kex_init", "_really_parse_kex_init"):
        getattr(paramiko.Transport, name)
