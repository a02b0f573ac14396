"""A real etcd that lets in by certificate, user and password, at several addresses."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from calzion.discovery.etcd.access import Access
from calzion.discovery.etcd.registry import EtcdRegistry
from calzion.discovery.registration import Selection
from calzion.errors import CalzionError
from calzion.registryurl import RegistryUrl
from tests.contract.registry_stage import web
from tests.fakes.host import free_port
from tests.integration.etcd_server import EtcdServer, until


def test_certificates_user_and_several_addresses(tmp_path: Path) -> None:
    files = certificates(tmp_path / "files")
    etcd = EtcdServer(tmp_path, tls=files)
    try:
        until(lambda: etcd.put("/ready", "yes"))
        with_users(etcd)
        (files / "password").write_text("right\n")
        (files / "password").chmod(0o600)
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{etcd.port}"
        url = RegistryUrl.parse(f"etcds://calzion@{hosts}")
        registry = EtcdRegistry(Access.of(url, files))
        registry.register(registry.grant(60), web("a"))
        watch = registry.watch(registry.snapshot(Selection()))
        etcd.kill()
        etcd.start()
        until(lambda: _answers(registry))
        registry.register(registry.grant(60), web("b"))
        until(lambda: watch.take(1))
        watch.close()

        (files / "password").write_text("wrong\n")
        with pytest.raises(CalzionError, match="authentication failed"):
            EtcdRegistry(Access.of(url, files)).snapshot(Selection())
        (files / "password").write_text("right\n")
        with pytest.raises(CalzionError, match="permission denied"):
            EtcdRegistry(Access.of(RegistryUrl.parse(f"etcds://calzion@{hosts}/other"), files)).snapshot(
                Selection()
            )
        access = Access.of(url, files)
        for stranger in (replace(access, certificate=None), replace(access, ca=None)):
            with pytest.raises(CalzionError, match="does not answer"):
                EtcdRegistry(stranger).snapshot(Selection())
    finally:
        etcd.close()


def test_files_that_are_missing_or_open_to_others_are_refused(tmp_path: Path) -> None:
    url = RegistryUrl.parse("etcds://calzion@127.0.0.1:2379")
    with pytest.raises(CalzionError, match="password of calzion is missing"):
        Access.of(url, tmp_path)
    (tmp_path / "password").write_text("x")
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(CalzionError, match="can be read by others"):
        Access.of(url, tmp_path)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "client.pem").touch()
    with pytest.raises(CalzionError, match=r"client\.key is missing"):
        Access.of(url, tmp_path)


def _answers(registry: EtcdRegistry) -> bool:
    try:
        registry.snapshot(Selection())
    except CalzionError:
        return False
    return True


def with_users(etcd: EtcdServer) -> None:
    etcd.control("user", "add", "root:secret")
    etcd.control("user", "grant-role", "root", "root")
    etcd.control("user", "add", "calzion:right")
    etcd.control("role", "add", "registry")
    etcd.control("role", "grant-permission", "registry", "--prefix=true", "readwrite", "/calzion/")
    etcd.control("user", "grant-role", "calzion", "registry")
    etcd.control("auth", "enable")


def certificates(directory: Path) -> Path:
    """A certificate authority of the tests' own, a server's and a client's pair of it."""
    directory.mkdir()

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *curve, "-subj", "/CN=test", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        # etcd's gateway takes a name in the server's certificate for the user of what comes through it.
        openssl(
            *("req", "-x509", *curve, "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/O=calzion"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )
        (directory / f"{name}.key").chmod(0o600)
    return directory
