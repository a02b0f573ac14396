"""The command line that builds an image, as a whole value."""

from pathlib import Path

import pytest

from calzion.build.dockerfile import DockerCli, ImageBuild, build_arguments, declared_arguments

BUILD = ImageBuild(
    context=Path("/data/app"),
    result=Path("/data/out/image"),
    tag="calzion-1:2",
    labels={"calzion.kind": "image"},
    arguments={"A": "b c"},
    secrets={"TOKEN": Path("/data/etc/secret-TOKEN")},
    memory=1024,
)


def test_with_buildkit():
    assert build_arguments(DockerCli(program="docker", buildkit=True), BUILD) == [
        "docker",
        "build",
        "--progress=plain",
        "--iidfile=/data/out/image",
        "--tag=calzion-1:2",
        "--label=calzion.kind=image",
        "--build-arg=A=b c",
        "--secret=id=TOKEN,src=/data/etc/secret-TOKEN",
        "--file=/data/app/Dockerfile",
        "/data/app",
    ]


def test_without_it():
    arguments = build_arguments(DockerCli(program="docker", buildkit=False), BUILD)
    assert arguments[2:4] == ["--force-rm", "--memory=1024"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM x\nARG ONE\n  arg TWO=2 THREE='a b' FOUR\r\n", {"ONE", "TWO", "THREE", "FOUR"}),
        ("# ARG ONE\nRUN echo ARG TWO\nENV ARG=1\n", set()),
        ('ARG ONE="TWO=2 THREE"\n', {"ONE"}),
    ],
)
def test_what_a_dockerfile_declares(text, names):
    assert declared_arguments(text.encode()) == names
