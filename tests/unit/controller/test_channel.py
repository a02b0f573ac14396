import os

import pytest

from calzion.controller.channel import ChannelServer, ask

PUSHER = 2222


@pytest.mark.parametrize("owner", [os.geteuid(), *([PUSHER] if os.geteuid() == 0 else [])])
def test_a_socket_is_for_the_owner_of_its_directory_alone(tmp_path, owner):
    os.chown(tmp_path, owner, owner)
    path = tmp_path / "push.sock"
    server = ChannelServer(path, {"hello": lambda _message, channel: channel.send({"hello": "you"})})
    found = path.stat()
    assert (found.st_uid, found.st_mode & 0o777) == (owner, 0o600)
    server.start()
    assert list(ask(path, {"op": "hello"})) == [{"hello": "you"}]
    server.stop()
