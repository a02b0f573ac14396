from __future__ import annotations

import logging

import pytest

from calzion.config import load
from calzion.sshd.farewell import in_clear
from calzion.sshd.limits import SshLimits, origin_of
from calzion.sshd.notices import EVERY, Notices
from calzion.wiring import ssh_limits


def test_the_limits_are_what_the_settings_say() -> None:
    assert ssh_limits(load({}, {}, None, 0)) == SshLimits()
    environ = {"CALZION_SSH_TRIES": "3", "CALZION_SSH_PACKET": "64K", "CALZION_SSH_IDLE_TIMEOUT": "15s"}
    assert ssh_limits(load({}, environ, None, 0)) == SshLimits(tries=3, packet=65_536, idle_timeout=15.0)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_addresses_are_counted_as(address: str, origin: str) -> None:
    assert origin_of(address) == origin


def test_a_limit_that_bites_all_the_time_is_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now = 100.0
    notices = Notices(clock=lambda: now)
    for number in range(5):
        notices.tell("tries", f"client {number}")
    notices.tell("packets", "another")
    notices.tell_rest()
    assert caplog.messages == ["client 0", "another"]
    now += EVERY
    notices.tell_rest()
    notices.tell("tries", "client 5")
    assert caplog.messages[2:] == ["4 more times; the last: client 4"]
    now += EVERY
    notices.tell_rest()
    assert caplog.messages[3:] == ["1 more times; the last: client 5"]


@pytest.mark.parametrize("length", range(20, 40))
def test_a_farewell_in_clear_is_a_packet(length: int) -> None:
    version, _, packet = in_clear("x" * length).partition(b"\r\n")
    assert version == b"SSH-2.0-Calzion"
    size, padding = int.from_bytes(packet[:4], "big"), packet[4]
    assert len(packet) == size + 4 and len(packet) % 8 == 0 and padding >= 4
    assert packet[5 : len(packet) - padding] == b"\1\0\0\0\x0b" + _text("x" * length) + _text("en")


def _text(text: str) -> bytes:
    return len(text).to_bytes(4, "big") + text.encode()
