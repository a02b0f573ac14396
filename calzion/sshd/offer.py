"""A key of a kind that Paramiko does not know, such as one of a FIDO token: it hangs up, with other keys to come."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection

import paramiko
from paramiko.common import cMSG_USERAUTH_FAILURE

_CERTIFICATE = b"-cert-v01@openssh.com"


def strange_key(request: paramiko.Message, known: Collection[str]) -> str:
    """The fingerprint of the key that a USERAUTH_REQUEST (RFC 4252, 7) offers in vain; '' for every other request."""
    read = paramiko.Message(request.asbytes())
    _, service, method = (read.get_binary() for _ in range(3))
    if (service, method) != (b"ssh-connection", b"publickey"):
        return ""
    read.get_boolean()
    algorithm, blob = read.get_binary(), read.get_binary()
    if algorithm.removesuffix(_CERTIFICATE).decode(errors="replace") in known:
        return ""
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def no_key_of_ours() -> paramiko.Message:
    """The answer to it: go on with another key."""
    message = paramiko.Message()
    message.add_byte(cMSG_USERAUTH_FAILURE)
    message.add_string("publickey")
    message.add_boolean(False)
    return message
