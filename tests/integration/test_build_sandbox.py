"""The classic contract, and what a build may not do; with buildpacks that the source brings along."""

import os
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from calzion.build.sandbox import build_arguments, build_environment
from calzion.build.scratch import Scratch, scratch
from calzion.errors import CalzionError
from calzion.host.sandbox import BUILD_GID, BUILD_UID, Machine
from tests.integration.build_site import Cancel, Output, anywhere, site_of, with_buildpack

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def site(tmp_path, request):
    yield from site_of(tmp_path, request)


def failure(site, compile, **settings):
    output = Output()
    with pytest.raises(CalzionError) as caught:
        site.builder(**settings).build(site.order(with_buildpack(compile)), output, Cancel())
    return caught.value, output


@anywhere
def test_the_contract(site):
    slug, lines = site.build(
        with_buildpack(
            'echo "$# $1 $2 $3 $PWD $HOME"; od -An -tx1 "$3/TOKEN"; echo "given:${TOKEN-nothing}";'
            ' echo "$SOURCE_VERSION"; test -n "$STACK"; touch "$2/kept"; mkdir -p "$1/.profile.d"',
            "config_vars: {A: b}\ndefault_process_types: {web: run it}",
        ),
        TOKEN=" a\nb\n",
    )
    assert lines[0] == "Own app detected"
    assert lines[1:5] == ["3 /app /cache /env /app /app", " 20 61 0a 62 0a", "given:nothing", "c" * 40]
    assert (slug.language, slug.process_types, slug.config_vars) == (
        "Own",
        (("web", "run it"),),
        (("A", "b"),),
    )


def test_the_procfile_beats_the_release(site):
    source = with_buildpack("true", "default_process_types: {web: a, worker: b}") | {"Procfile": "web: mine"}
    assert site.build(source)[0].process_types == (("web", "mine"),)


@anywhere
def test_several_buildpacks_in_order_with_what_they_export(site):
    source = with_buildpack('echo "export FROM_FIRST=1" > "$(dirname "$0")/../export"', "config_vars: {A: a}")
    for name, text in with_buildpack('echo "second sees $FROM_FIRST"', "config_vars: {B: b}").items():
        source[name.replace("pack/", "other/")] = text
    source[".buildpacks"] = "./pack\n./other\n"
    slug, lines = site.build(source)
    assert "second sees 1" in lines
    assert slug.config_vars == (("B", "b"),)


def test_ignored_files_are_not_there(site):
    source = with_buildpack("find . -name '*.md' -o -path './docs*'")
    source |= {".slugignore": "# no\n*.md\n/docs/big\n", "README.md": "", "docs/big/x": "", "docs/keep": ""}
    assert site.build(source)[1][1:] == ["./docs", "./docs/keep"]


def test_a_build_sees_nothing_of_the_machine(site):
    (site.layout.data / "secret.key").write_text("secret")
    data = site.layout.data
    _, lines = site.build(
        with_buildpack(
            f"cat {data}/secret.key; ls {data} {Path.home()} 2>&1 | grep -c secret; ls /proc | grep -c '^[0-9]';"
            " for place in / /usr /usr/bin /etc /env /pack /buildpack /opt; do"
            " touch $place/x 2>/dev/null && echo wrote $place; done;"
            " grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; id -u; id -G; id -un; echo $(env | cut -d= -f1)"
        )
    )
    assert "0" in lines
    assert [line for line in lines if line.startswith("wrote")] == ["wrote /"], "its own, which ends with it"
    assert not Path("/x").exists()
    assert "NoNewPrivs:\t1" in lines
    assert "CapEff:\t0000000000000000" in lines
    assert lines[-4:-1] == [str(BUILD_UID), str(BUILD_GID), "app"]
    assert not {"PYTEST_CURRENT_TEST", "LOGNAME", "USER"} & set(lines[-1].split())


def test_the_exit_code_and_the_last_lines_are_told(site):
    error, _ = failure(site, "for i in $(seq 100); do echo line $i; done; exit 7")
    assert error.message == "web: build failed (exit code 7)"
    assert error.detail[-1] == "line 100"
    assert len(error.detail) == 31  # with their title
    assert site.leftovers() == []


@anywhere
def test_a_build_that_takes_too_long_is_ended(site):
    started = time.monotonic()
    error, _ = failure(site, "echo begun; sleep 600 & sleep 600", timeout=1)
    assert error.code == "build"
    assert error.message == "web: the build took longer than 1 seconds and was ended"
    assert time.monotonic() - started < 60
    assert site.leftovers() == []


def test_a_build_that_takes_too_much_memory_is_ended(site):
    error, _ = failure(site, "python3 -c 'x = bytearray(300 << 20); print(len(x))'", memory=100 << 20)
    assert error.code == "build"
    assert "memory" in error.message or "MemoryError" in str(error.detail)


@anywhere
def test_what_a_build_leaves_running_ends_with_it(site):
    mark = f"calzion-test-{os.getpid()}-{time.monotonic_ns()}"
    site.build(with_buildpack(f"(exec -a {mark} sleep 600) >/dev/null 2>&1 & disown"))
    deadline = time.monotonic() + 20
    while _running(mark):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@anywhere
def test_cancelling_ends_a_build(site):
    mark = f"calzion-test-{os.getpid()}-{time.monotonic_ns()}"
    order = site.order(with_buildpack(f"echo begun; exec -a {mark} sleep 600"))
    output, cancel, errors = Output(), Cancel(), []

    def build():
        try:
            site.builder().build(order, output, cancel)
        except CalzionError as error:
            errors.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    output.until("begun")
    cancel.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert [error.code for error in errors] == ["cancelled"]
    assert not _running(mark)
    assert site.leftovers() == []


def test_nothing_is_built_twice_not_even_at_once(site):
    builder, outputs, slugs = site.builder(), [Output(), Output()], []
    order = site.order(with_buildpack("echo compiling; sleep 0.5"))
    threads = [
        threading.Thread(target=lambda output=output: slugs.append(builder.build(order, output, Cancel())))
        for output in outputs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    slugs.append(builder.build(order, outputs[0], Cancel()))
    assert slugs[0] == slugs[1] == slugs[2] == builder.find(builder.key(order))
    assert sum(output.lines.count("compiling") for output in outputs) == 1


def test_the_key_counts_source_and_environment_but_not_who_asks(site):
    builder = site.builder()
    source = {"Procfile": "web: a"}
    first = builder.key(site.order(source))
    assert builder.key(site.order(source, cache="other")) == first
    assert builder.key(replace(site.order(source), repository="other")) == first
    assert builder.key(site.order(source, A="1")) != first
    assert builder.key(site.order({"Procfile": "web: b"})) != first


@anywhere
def test_hostile_results_do_no_harm(site, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("web: stolen")
    slug, _ = site.build(
        with_buildpack(
            f"ln -s {outside} Procfile; mkfifo pipe; ln -s / top; touch x; chmod 4777 x; mkdir closed;"
            " touch closed/y; chmod 0 closed; rm -f /out/language; ln -s /etc/hostname /out/language"
        )
    )
    assert slug.process_types == ()
    assert not (slug.root / "pipe").exists()
    assert (slug.root / "x").stat().st_mode & 0o7000 == 0
    assert outside.read_text() == "web: stolen"


@root_only
def test_instances_may_change_their_copy_of_a_slug(site):
    slug, _ = site.build(with_buildpack("umask 077; mkdir sub; touch sub/file"))
    for path in (slug.root, slug.root / "sub", slug.root / "sub" / "file"):
        facts = path.stat()
        assert facts.st_gid == BUILD_GID
        assert facts.st_mode & 0o060 == 0o060


def test_what_a_crash_left_is_removed_at_start(site):
    builder = site.builder()
    with pytest.raises(KeyboardInterrupt), scratch(site.layout.builds) as place:
        place.fill(())
        with builder.caches.lend("app/web", place, "/cache"):
            (place.inside / "cache" / "kept").write_text("kept")
            os.rename(place.root, site.layout.builds / "build-crashed")  # noqa: PTH104
            (place.inside / "cache").mkdir(parents=True)
            shutil.rmtree(site.layout.caches, ignore_errors=True)
            raise KeyboardInterrupt
    shutil.rmtree(builder.caches.path("app/web"))
    builder.prepare()
    assert site.leftovers() == []
    assert (builder.caches.path("app/web") / "kept").read_text() == "kept"


@root_only
def test_the_same_sandbox_without_root(site, tmp_path):
    """As nobody, in a user namespace, where the machine allows that."""
    shutil.rmtree(site.layout.data)
    builder = site.builder()
    stack = replace(builder.workshop.stack, machine=Machine.look(prefix=Path("/usr")), tools=())
    place = Scratch(tmp_path / "place")
    place.fill((("A", "b"),))
    subprocess.run(["chown", "-R", "65534:65534", tmp_path], check=True)
    for parent in tmp_path.parents[:2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    arguments = build_arguments(
        stack,
        place.identity,
        place.rooms(),
        (),
        ["/bin/sh", "-c", "id -u; cat /env/A; echo built > /app/file; touch /usr/x || echo refused"],
        bwrap="/usr/bin/bwrap",
        as_root=False,
    )
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--"]
    done = subprocess.run(
        [*as_nobody, *arguments],
        env=build_environment(stack, "", {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "ermission denied" in done.stderr or "No permissions" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.stdout.split() == [str(BUILD_UID), "brefused"], done.stderr
    assert (place.app / "file").stat().st_uid == 65534


def _running(mark):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(mark.encode() + b"\0"):
                return True
        except OSError:
            continue
    return False
