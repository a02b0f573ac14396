from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from calzion.host import procfs
from calzion.host.sockets import listeners, listeners_of, socket_inodes


def test_a_process_and_what_is_below_it() -> None:
    command = ["bash", "-c", "bash -c 'sleep 100; :' & echo up; wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        below = procfs.descendants(shell.pid)
        assert procfs.children(shell.pid)[0] in below and shell.pid in procfs.children(os.getpid())
        assert procfs.command_line(shell.pid)[0] == "bash"
        started = procfs.start_time(shell.pid)
        assert started is not None and started > 0
        assert procfs.memory([shell.pid]) > 0
        os.killpg(shell.pid, 9)
    assert procfs.start_time(shell.pid) is None
    assert procfs.command_line(shell.pid) == [""]
    assert procfs.descendants(shell.pid) == []


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert procfs.start_time(child.pid) is None
    child.wait()


def test_listening_sockets_with_their_addresses() -> None:
    with socket.create_server(("127.9.8.7", 0)) as four:
        port = four.getsockname()[1]
        found = [one for one in listeners() if one.port == port]
        assert [(one.host, one.uid) for one in found] == [("127.9.8.7", os.getuid())]
        assert found[0].inode in socket_inodes([os.getpid()])


def test_listening_sockets_of_ipv6() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        port = six.getsockname()[1]
        assert [one.host for one in listeners() if one.port == port] == ["::1"]


def test_an_ipv4_address_on_a_socket_of_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::ffff:127.9.8.7", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert [one.host for one in listeners() if one.port == port] == ["127.9.8.7"]


def test_the_kernel_tells_of_listeners_what_its_files_tell() -> None:
    with (
        socket.create_server(("127.9.8.7", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.create_connection(four.getsockname()),
    ):
        ports = {each.getsockname()[1] for each in (four, six)}
        told = [one for one in listeners() if one.port in ports]
        assert told == [one for one in listeners_of(Path("/proc/self")) if one.port in ports]
        assert [one.waiting for one in told] == [1, 0]
