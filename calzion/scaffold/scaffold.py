"""A repository -> the scaffold of its template. Pure, but for what reads the tree."""

from __future__ import annotations

import json

from calzion.errors import CalzionError
from calzion.scaffold.accept import accepted, accepted_task
from calzion.scaffold.appjson import FILE as MANIFEST
from calzion.scaffold.appjson import Manifest, read_manifest
from calzion.scaffold.apps import App, detected, find_apps, read_app
from calzion.scaffold.combine import combine
from calzion.scaffold.compose import FILES, moved, read_project
from calzion.scaffold.dockerfile import FILE as _DOCKERFILE
from calzion.scaffold.dockerfile import exposed, started, workdirs
from calzion.scaffold.images import last_part
from calzion.scaffold.listening import on_port
from calzion.scaffold.naming import free, label
from calzion.scaffold.sketch import Keys, Notes, Scaffold, Service, printable
from calzion.scaffold.tree import ROOT, Tree, below
from calzion.scaffold.vault import Vault
from calzion.template.interpolation import references

_PROCFILE = "Procfile"
_POSTDEPLOY = "postdeploy"


def make_scaffold(
    tree: Tree, name: str, *, compose: str | None = None, with_compose: bool = True
) -> Scaffold:
    """What a template can say about the repository called `name`; `compose` is its Compose file, else looked for.

    Raises CalzionError: `usage` where a file can't be read, `not_found` where nothing says what runs.
    """
    maker = _Maker(tree, label(name))
    file = compose or (_compose_file(tree) if with_compose else None)
    if file:
        maker.take_compose(file)
    maker.take_apps()
    maker.take_manifests()
    maker.take_processes()
    return maker.scaffold()


def _compose_file(tree: Tree) -> str | None:
    return next((file for file in FILES if file in tree.names(ROOT)), None)


class _Maker:
    def __init__(self, tree: Tree, name: str) -> None:
        self._tree = tree
        self._name = name
        self._notes = Notes()
        self._vault = Vault()
        self._sources: list[str] = []
        self._services: dict[str, Keys] = {}
        self._composed: frozenset[str] = frozenset()
        self._apps: dict[str, App] = {}
        self._idle: dict[str, frozenset[str]] = {}
        self._run: dict[str, dict[str, str]] = {}

    def take_compose(self, file: str) -> None:
        self._sources.append(file)
        self._services = read_project(self._tree, file, self._notes, self._vault)
        self._composed = frozenset(self._services)
        others = [name for name in self._tree.names(ROOT) if _is_compose(name) and name != file]
        if others:
            self._notes.decide(
                "", f"not read: {', '.join(others)}; 'calzion init --compose FILE' takes another"
            )

    def take_apps(self) -> None:
        """Bring the apps in: each is a service of the Compose file already, or a new one."""
        builds = any("git" in keys or "build" in keys for keys in self._services.values())
        for app in find_apps(self._tree):
            if app.problem:
                self._notes.leave("", app.problem)
            known = [name for name, keys in self._services.items() if keys.get("git") == app.directory]
            if known:
                owner = combine(app, known, self._services, self._notes)
            elif app.procfile or not builds:
                owner = self._new_service(app.directory)
            else:
                continue
            self._apps[owner] = app
            self._sources += [below(app.directory, _PROCFILE)] if app.procfile else []
        if not self._apps and not builds and _DOCKERFILE in self._tree.names(ROOT):
            self._sources.append(_DOCKERFILE)
            self._services[free(self._name, self._services)] = {"build": ROOT}

    def take_manifests(self) -> None:
        """Take each app.json for the app beside it; one at the root without an app is the first app's."""
        paths = {below(app.directory, MANIFEST): owner for owner, app in self._apps.items()}
        if self._apps:
            paths.setdefault(MANIFEST, next(iter(self._apps)))
        for path, owner in paths.items():
            content = self._tree.read(path)
            if content is not None:
                self._sources.append(path)
                self._apply(owner, read_manifest(content, path, owner, self._notes, self._vault))

    def take_processes(self) -> None:
        """Say what runs: the processes of a Procfile, else what the Dockerfile starts."""
        for owner, keys in self._services.items():
            if "git" not in keys:
                continue
            app = self._apps.get(owner) or read_app(self._tree, keys["git"])
            if not app.procfile:
                if owner not in self._composed:
                    self._take_dockerfile(keys)
                self._take_start(owner, keys, app)
            elif "processes" not in keys:
                self._choose_processes(owner, keys, app)

    def scaffold(self) -> Scaffold:
        if not self._services:
            raise _nothing()
        taken = {name: accepted(name, keys, self._notes) for name, keys in self._services.items()}
        kept = {name: keys for name, keys in taken.items() if keys is not None}
        if not kept:
            raise _nothing(self._notes.left)
        used = _references(list(kept.values()))
        return Scaffold(
            sources=tuple(dict.fromkeys(map(printable, self._sources))),
            services=tuple(Service(name=name, keys=_requiring(keys, kept)) for name, keys in kept.items()),
            run={
                name: task for name, task in self._run.items() if accepted_task(name, task, kept, self._notes)
            },
            generate=tuple(name for name in self._vault.generate if name in used),
            wanted=tuple(name for name in self._vault.wanted if name in used),
            left=tuple(self._notes.left),
            decided=tuple(self._notes.decided),
        )

    def _new_service(self, directory: str) -> str:
        wanted = self._name if directory == ROOT else label(directory.rpartition("/")[2])
        name = free(wanted, self._services)
        self._services[name] = {"git": directory}
        return name

    def _apply(self, owner: str, manifest: Manifest) -> None:
        keys = self._services[owner]
        if env := {**manifest.env, **keys.get("env", {})}:
            keys["env"] = env
        buildpacks = tuple(dict.fromkeys(manifest.buildpacks))
        if buildpacks and buildpacks != detected(self._tree, keys["git"]):
            keys["buildpacks"] = list(buildpacks)
        there = {last_part(other.get("image", name)) for name, other in self._services.items()}
        for name, addon in manifest.services.items():
            if addon.get("image", name) not in there:
                self._services.setdefault(name, addon)
        if manifest.postdeploy:
            self._run[_POSTDEPLOY] = {"service": owner, "cmd": self._vault.shell(manifest.postdeploy, {})}
        self._idle[owner] = manifest.idle

    def _choose_processes(self, owner: str, keys: Keys, app: App) -> None:
        idle = {*app.apart, *self._idle.get(owner, ())}
        types = [name for name, _ in app.procfile if name != "release"]
        running = [name for name in types if name not in idle]
        if running and running != types:
            keys["processes"] = running
            apart = ", ".join(name for name in types if name not in running)
            self._notes.decide(owner, f"not running: {apart} ('processes' says what runs)")
        if "web" not in types and "cmd" not in keys:
            self._notes.decide(owner, "its Procfile has no 'web', so no host name leads to it")

    def _take_dockerfile(self, keys: Keys) -> None:
        if "cmd" in keys:
            return
        path = below(keys["git"], _DOCKERFILE)
        content = self._tree.read(path) or b""
        words = started(content)
        if words:
            command = moved(self._vault.shell(words, {}), workdirs(self._tree, keys["git"]))
            keys["cmd"], _ = on_port(command, exposed(content))
            self._sources.append(path)

    def _take_start(self, owner: str, keys: Keys, app: App) -> None:
        """Serve the site that a Node app builds and does not start; say where nothing starts an app."""
        buildpacks = detected(self._tree, keys["git"])
        if app.problem or "cmd" in keys or "buildpacks" in keys or buildpacks not in (("python",), ("node",)):
            return
        scripts = _scripts(self._tree.read(below(keys["git"], "package.json")))
        if buildpacks == ("node",) and ("start" in scripts or "server.js" in self._tree.names(keys["git"])):
            return
        if buildpacks == ("node",) and "build" in scripts:
            keys["buildpacks"] = ["node", "static"]
            self._notes.decide(
                owner, "what its build script makes is served as a static site, for want of a start script"
            )
        else:
            self._notes.leave(
                owner,
                "nothing says how it starts: add a Procfile with a line such as 'web: COMMAND', or a 'cmd'",
            )


def _scripts(package: bytes | None) -> dict[str, object]:
    try:
        scripts = json.loads(package or b"{}")["scripts"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


def _is_compose(name: str) -> bool:
    return name.startswith(("compose.", "docker-compose.")) and name.endswith((".yml", ".yaml"))


def _requiring(keys: Keys, kept: dict[str, Keys]) -> Keys:
    """The keys in a good order, requiring only what is there."""
    require = [name for name in keys.get("require", ()) if name in kept]
    found = {**keys, "require": require}
    return {key: value for key, value in found.items() if key != "require" or value}


def _references(value: object) -> set[str]:
    """The names that the texts in `value` refer to."""
    if isinstance(value, str):
        return set(references(value, strict=False))
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for item in items for name in _references(item)}


def _nothing(left: list[str] | None = None) -> CalzionError:
    return CalzionError(
        "nothing here says what runs",
        code="not_found",
        detail=(left or [])[:20]
        or ["looked for: Procfile, compose.yaml, app.json, Dockerfile, package.json, requirements.txt"],
        hint="add a Procfile with a line such as 'web: python app.py', or write template.yaml by hand",
    )
