"""An archive elsewhere: tar, whatever it is compressed with, or zip."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import os
import ssl
import stat
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO, Any

from calzion.build.fetching.failed import BAD_CERTIFICATE, BAD_REDIRECT, UNREACHABLE, Failed
from calzion.build.fetching.limits import MAX_FILES, Limits
from calzion.build.fetching.place import Place

_CHUNK = 1 << 18
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_NAMED_BUNDLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


def place_archive(place: Place, into: Path, limits: Limits) -> str:
    """Unpack an archive as `into`, which does not exist; returns the digest of its bytes. Raises Failed."""
    with tempfile.TemporaryFile() as file:
        digest = _download(place, file, limits)
        file.seek(0)
        unpacked = Path(tempfile.mkdtemp(dir=into.parent))
        try:
            _unpack(file, unpacked, limits)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            raise Failed("it is no archive that can be unpacked") from error
    _top(unpacked).rename(into)
    return digest


def _download(place: Place, file: IO[bytes], limits: Limits) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        with _opener().open(_request(place), timeout=limits.left()) as response:
            while chunk := response.read1(_CHUNK):
                size += len(chunk)
                limits.check(1, size)
                limits.left()
                digest.update(chunk)
                file.write(chunk)
    except urllib.error.HTTPError as error:
        raise Failed(f"the server answers {error.code}", away=error.code >= 500) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Failed(BAD_CERTIFICATE) from error
        raise Failed(UNREACHABLE, away=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise Failed(UNREACHABLE, away=True) from error
    return digest.hexdigest()


def _request(place: Place) -> urllib.request.Request:
    request = urllib.request.Request(place.url, headers={"User-Agent": "calzion"})
    if place.user or place.password:
        pair = base64.b64encode(f"{place.user}:{place.password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {pair}")
    return request


def _opener() -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    for bundle in (*(os.environ.get(name, "") for name in _NAMED_BUNDLES), *_BUNDLES):
        if bundle and Path(bundle).is_file():
            with contextlib.suppress(OSError):
                context.load_verify_locations(bundle)
    return urllib.request.build_opener(_StaysEncrypted(), urllib.request.HTTPSHandler(context=context))


class _StaysEncrypted(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise Failed(BAD_REDIRECT)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unpack(file: IO[bytes], into: Path, limits: Limits) -> None:
    if zipfile.is_zipfile(file):
        _unzip(file, into, limits)
    else:
        file.seek(0)
        _untar(file, into, limits)


def _untar(file: IO[bytes], into: Path, limits: Limits) -> None:
    with tarfile.open(fileobj=file) as archive:
        members, size = [], 0
        for member in archive:
            members.append(member)
            size += member.size
            limits.check(len(members), size)
        if hasattr(tarfile, "data_filter"):
            archive.extractall(into, members, filter="data")
        else:  # an early 3.11; what is written elsewhere is gone with the sandbox
            archive.extractall(into, members)


def _unzip(file: IO[bytes], into: Path, limits: Limits) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()[: MAX_FILES + 1]
        limits.check(len(members), sum(member.file_size for member in members))
        for member in members:
            path = Path(archive.extract(member, into))
            if member.external_attr >> 16 & stat.S_IXUSR and path.is_file():
                path.chmod(0o755)


def _top(unpacked: Path) -> Path:
    """Forges put everything below one directory."""
    inner = list(unpacked.iterdir())
    alone = len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink() and inner[0].name != "bin"
    return inner[0] if alone else unpacked
