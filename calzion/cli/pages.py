"""What the manual says about each command besides its description and options."""

from __future__ import annotations

from calzion.cli.manual import Page

_COLOURS = {"NO_COLOR": "where it is set, nothing is coloured"}

PAGES: dict[str, Page] = {
    "": Page(
        examples={
            "calzion serve": "start everything on this machine",
            "calzion keys add alice alice.pub --allow 'myapp-*'": "let alice push",
            "git push calzion main:myapp-staging": "deploy; the branch names the deployment",
            "calzion help logs": "the manual of a command",
        },
        exits={
            3: "there is no such thing",
            4: "refused: a permission or a confirmation is missing",
            5: "the server can't be reached",
            10: "a plan would change something",
        },
        server=False,
    ),
    "serve": Page(
        examples={
            "calzion serve": "everything, with what is kept in the default directory",
            "calzion serve --domain example.com --http 0.0.0.0:80": "deployments at SERVICE.DEPLOYMENT.example.com",
            "calzion serve --data /tmp/try --ephemeral": "to try it: nothing runs on afterwards",
            "calzion serve router": "the router alone",
        },
        exits={1: "a part did not start, or another serve runs for the same DATA"},
        files={"DATA/logs": "what its parts write"},
    ),
    "stop": Page(
        examples={
            "calzion stop": "for an upgrade: deployments go on serving",
            "calzion stop --all": "and end them too",
        },
        exits={1: "it did not end in time", 4: "it belongs to another user"},
        server=False,
    ),
    "status": Page(
        examples={
            "calzion status": "a line for each part",
            "calzion status --json | jq .ok": "for a monitor: true or false",
        },
        exits={0: "every part is up", 1: "a part is not up"},
    ),
    "config": Page(
        examples={
            "calzion config": "what is in force, and why",
            "calzion config --http 0.0.0.0:80 --json": "what a flag would change",
            "calzion config --example > calzion.toml": "a file to begin with",
        },
        exits={2: "a setting can't be used"},
    ),
    "install": Page(
        examples={
            "calzion install --domain example.com --http 0.0.0.0:80 --start": "run everything from now on",
            "calzion install --start": "after an upgrade, with the settings as they were",
            "calzion install --print": "the units, to look at",
        },
        exits={
            1: "units are there that Calzion did not write, or a unit did not start",
            4: "refused: DIR is not yours",
        },
        files={
            "/etc/systemd/system/calzion.target, calzion-*.service": "the units, as root",
            "~/.config/systemd/user": "where they are else",
            "DATA/units.env": "the settings and the builds' proxies and package indexes, for its owner alone",
        },
        server=False,
    ),
    "uninstall": Page(
        examples={
            "calzion uninstall": "the units alone",
            "calzion uninstall && calzion stop --all": "and what serves deployments is ended too",
        },
        exits={3: "there are no such units"},
        server=False,
    ),
    "doctor": Page(
        examples={
            "calzion doctor": "what is here, and how to get the rest",
            "calzion doctor --json": "the same for a program",
        },
        exits={0: "everything that is needed is there", 1: "something needed is missing"},
    ),
    "images": Page(
        examples={
            "calzion images build": "everything that the Docker backend needs",
            "calzion images list": "what is there",
            "calzion images prune": "after an upgrade: those of the version before",
        },
        server=False,
    ),
    "images list": Page(
        examples={
            "calzion images list": "a line for each",
            "calzion images list --json | jq -r '.[].tag'": "their tags alone",
        },
        exits={0: "every image is there", 1: "one is missing"},
        server=False,
    ),
    "images build": Page(
        examples={
            "calzion images build": "all that are missing",
            "calzion images build slugbuilder -v": "one, with what it builds on, and every line",
        },
        exits={1: "a build failed, or no engine answers", 3: "there is no such image"},
        server=False,
    ),
    "images prune": Page(
        examples={
            "calzion images prune --json | jq 'map(select(.removed)) | length'": "how many were removed"
        },
        exits={1: "no engine answers"},
        server=False,
    ),
    "keys": Page(
        examples={
            "calzion keys add alice alice.pub --allow 'myapp-*'": "let alice push to some deployments",
            "calzion keys list": "who may push",
        }
    ),
    "keys add": Page(
        examples={
            "calzion keys add alice --allow '*'": "your own key, for every deployment",
            "calzion keys add ci ci.pub --allow 'myapp-*' --allow shop": "some deployments alone",
            "calzion keys add ci ci.pub --allow 'myapp-pr*' --repository myapp": "previews of what others deploy",
            "ssh-add -L | calzion keys add alice - --allow 'myapp-*'": "the key that the agent holds",
        },
        files={"~/.ssh/id_ed25519.pub": "the key, where no FILE is named; then id_ecdsa.pub, id_rsa.pub"},
    ),
    "keys list": Page(
        examples={"calzion keys list": "a line for each key", "calzion keys list --json": "for a program"}
    ),
    "keys remove": Page(
        examples={
            "calzion keys remove alice": "every key of alice",
            "calzion keys remove SHA256:Zk3F0gXbyf2mPqV3dZ1uQf6Y0r0Xh1nB2cM8aJw5LrE": "one key",
        }
    ),
    "audit": Page(
        examples={
            "calzion audit --deployment myapp-staging -n 20": "the last things done to one deployment",
            "calzion audit --json | jq '.[] | select(.outcome == \"refused\")'": "what was refused",
            "calzion audit --verify": "whether the trail is whole, and its head",
        },
        exits={1: "the trail is broken"},
    ),
    "apply": Page(
        examples={
            "calzion apply --plan infrastructure.yaml": "what it would change",
            "calzion apply infrastructure.yaml": "change it; asks before anything is removed",
            "calzion apply --yes infrastructure.yaml": "for a pipeline",
        },
        exits={
            1: "the file has mistakes, or a deployment could not be brought to it",
            4: "something would be removed, and nobody has confirmed it",
            10: "with --plan: something would change",
        },
    ),
    "domains": Page(
        examples={
            "calzion domains list": "which names lead where",
            "calzion domains password": "a hash for 'auth: {alice: ...}' in an infrastructure file",
        }
    ),
    "domains list": Page(
        examples={
            "calzion domains list": "a line for each path",
            "calzion domains list --json": "for a program",
        }
    ),
    "domains password": Page(
        examples={
            "calzion domains password": "asks for it twice",
            "openssl rand -base64 18 | tee /dev/stderr | calzion domains password": "one that nobody has chosen",
        },
        server=False,
    ),
    "tokens": Page(
        examples={
            "calzion tokens add ci --scope deploy --allow 'myapp-*'": "for a pipeline",
            "calzion tokens list": "who has one, for what, until when",
        }
    ),
    "tokens add": Page(
        examples={
            "calzion tokens add monitor --allow '*' --expires never > token": "may look at everything",
            "calzion tokens add ci --scope deploy --allow 'myapp-*' --allow shop": "some deployments alone",
            "calzion tokens add alice --scope admin --expires 12h": "everything, for a day's work",
        },
    ),
    "tokens list": Page(
        examples={
            "calzion tokens list": "a line for each",
            "calzion tokens list --json | jq -r '.[].user'": "for a program",
        }
    ),
    "tokens remove": Page(
        examples={
            "calzion tokens remove ci": "every token of ci",
            "calzion tokens remove 5f0c1e9a77b2": "one token",
        },
        exits={3: "there is no such token"},
    ),
    "login": Page(
        examples={
            "calzion login https://calzion.example.com": "asks for the token, and shows nothing",
            "calzion login http://127.0.0.1:4000 < token": "through a tunnel: ssh -NL 4000:127.0.0.1:4000 HOST",
        },
        exits={4: "refused: the token is not valid", 5: "the server can't be reached"},
        environment={
            "CALZION_URL": "the server to talk to, before the file",
            "CALZION_TOKEN": "its token, with CALZION_URL",
        },
        files={"~/.config/calzion/credentials.json": "the server and the token, for you alone"},
        server=False,
    ),
    "logout": Page(
        examples={"calzion logout": "commands are for this machine's server again"},
        files={"~/.config/calzion/credentials.json": "what is removed"},
        server=False,
    ),
    "registries": Page(
        examples={
            "calzion registries add registry.example.com --user ci": "asks for the password",
            "calzion registries list": "which are set",
        }
    ),
    "registries add": Page(
        examples={
            "calzion registries add registry.example.com --user ci": "asks for the password, and shows nothing",
            "calzion registries add docker.io --user mycompany < token": "a token for Docker Hub, from a file",
        },
        exits={2: "this is no registry, or no password"},
    ),
    "registries list": Page(
        examples={
            "calzion registries list": "a line for each",
            "calzion registries list --json": "for a program",
        }
    ),
    "registries remove": Page(
        examples={"calzion registries remove registry.example.com": "for the pulls to come"},
        exits={3: "there are none for it"},
    ),
    "list": Page(
        examples={
            "calzion list": "a line for each deployment",
            "calzion list --json | jq -r '.[].name'": "their names alone",
        }
    ),
    "ps": Page(
        examples={
            "calzion ps myapp-staging": "every instance",
            "calzion ps myapp-staging:web": "those of one service",
            "calzion ps myapp-staging --json | jq -r '.[].endpoint'": "where they listen",
        }
    ),
    "discover": Page(
        examples={
            "calzion discover myapp-staging": "every instance that takes connections, with its address",
            "calzion discover myapp-staging:web --watch": "a line whenever one of web comes or goes",
        }
    ),
    "show": Page(
        examples={
            "calzion show myapp-staging": "its services, addresses and volumes",
            "calzion show myapp-staging:web": "one service, with its environment",
        }
    ),
    "releases": Page(
        examples={
            "calzion releases myapp-staging": "what was deployed, by whom, and how it went",
            "calzion releases myapp-staging --json | jq '.[0]'": "the newest one",
        }
    ),
    "logs": Page(
        examples={
            "calzion logs -f myapp-staging": "what every instance writes, as it comes",
            "calzion logs -n 20 myapp-staging:web": "the last 20 lines of each instance of a service",
            "calzion logs myapp-staging --since 10m --json | jq -r .text": "of the last ten minutes, for a program",
            "calzion logs myapp-staging --release v7": "how the release v7 went",
        },
        environment=_COLOURS,
    ),
    "deploy": Page(
        examples={
            "calzion deploy template.yaml myapp-staging": "the code of HEAD",
            "calzion deploy template.yaml myapp-dev --working-tree": "the code as it lies here",
            "calzion deploy ops/shop.yaml shop --search-path ~/services": "code of other repositories",
            "calzion deploy template.yaml shop-try --from shop --ttl 3d": "a copy of its data, for three days",
            "calzion deploy template.yaml myapp-staging --plan": "only say what would change",
        },
        exits={
            1: "a mistake in the template, a failed deploy, or Ctrl-C: the release before it serves on",
            10: "with --plan: something would change",
        },
        environment=_COLOURS,
    ),
    "plan": Page(
        examples={
            "calzion plan template.yaml myapp-staging": "what a deploy of HEAD would do",
            "calzion plan template.yaml myapp-dev --working-tree": "with the code as it lies here",
            "calzion plan template.yaml myapp-staging --json | jq .changes": "true or false, for a program",
        },
        exits={
            0: "nothing would change",
            1: "a mistake in the template, or code that can't be built at all",
            10: "something would change",
        },
        environment=_COLOURS,
    ),
    "redeploy": Page(
        examples={
            "calzion redeploy myapp-staging": "with the secrets as they are now",
            "calzion redeploy myapp-staging --rebuild": "and the code built again",
        },
        exits={1: "it failed, or Ctrl-C: what served before serves on"},
        environment=_COLOURS,
    ),
    "rollback": Page(
        examples={
            "calzion rollback myapp-production": "to the last successful release before the current one;"
            " once more goes a step further back",
            "calzion rollback myapp-production v5": "to the release v5, where it is kept",
        },
        exits={
            1: "it failed, or the release can't be gone back to: what served before serves on",
            3: "there is no such release, or it is not kept any more",
        },
        environment=_COLOURS,
    ),
    "promote": Page(
        examples={
            "calzion promote myapp-staging myapp-production": "what runs in staging, with production's values",
            "calzion promote myapp-staging myapp-production --plan": "what that would change",
        },
        exits={
            1: "it failed, or can't be done: what served before serves on",
            4: "refused: TO belongs to another repository",
            10: "with --plan: it would change something",
        },
        environment=_COLOURS,
    ),
    "run": Page(
        examples={
            "calzion run myapp:web -- python manage.py createsuperuser": "at the terminal",
            "calzion run myapp -- 'echo $DATABASE_URL'": "one line for bash, in the only app",
            "calzion run myapp:web -- python manage.py dumpdata > dump.json": "what it prints, to a file",
            "calzion run -e DEBUG=1 myapp:web -- bash": "a shell, with one more variable",
            "calzion run myapp:postgres -- psql": "a client of the database, logged in",
        },
        exits={0: "the command ended well; any other status is its own, 128 + N after signal N"},
    ),
    "env": Page(
        examples={
            "calzion env myapp:web": "every variable, and where it comes from",
            "calzion env myapp:web --json | jq -r '.[].name'": "the names alone",
        }
    ),
    "secrets": Page(
        examples={
            "calzion secrets set myapp SECRET_KEY": "asks for the value",
            "calzion secrets list myapp": "what there is, and who uses it",
        }
    ),
    "secrets set": Page(
        examples={
            "calzion secrets set myapp SECRET_KEY": "asks for the value, twice, and shows nothing",
            "openssl rand -hex 32 | calzion secrets set myapp SECRET_KEY": "what another program makes",
            "cat key.pem | calzion secrets set myapp TLS_KEY": "what a file holds",
            "calzion secrets set myapp --from .env": "all NAME=VALUE lines of a file, or none of them",
        }
    ),
    "secrets list": Page(
        examples={
            "calzion secrets list myapp": "a line for each",
            "calzion secrets list myapp --json": "for a program",
        }
    ),
    "secrets rotate-key": Page(
        examples={"calzion secrets rotate-key": "now and then, and when an administrator leaves"}
    ),
    "secrets remove": Page(examples={"calzion secrets remove myapp OLD_KEY": "for the releases to come"}),
    "restart": Page(
        examples={
            "calzion restart myapp-staging": "everything",
            "calzion restart myapp-staging:web": "one service",
        },
        environment=_COLOURS,
    ),
    "scale": Page(
        examples={
            "calzion scale myapp-staging web=3": "three web processes of the service web",
            "calzion scale myapp-staging web=2 web.worker=0": "and no worker",
        },
        environment=_COLOURS,
    ),
    "ttl": Page(
        examples={
            "calzion ttl myapp-pr42 3d": "gone in three days, unless this is said again",
            "calzion ttl myapp-pr42 never": "it stays",
        },
        exits={2: "this is no time", 3: "there is no such deployment"},
    ),
    "volumes": Page(
        examples={
            "calzion volumes list myapp-staging": "with sizes, and what uses them",
            "calzion volumes remove myapp-staging redis/data": "what no service uses any more",
        },
    ),
    "volumes list": Page(
        examples={
            "calzion volumes list myapp-staging": "a line for each",
            "calzion volumes list myapp-staging --json": "for a program: name, size and used",
        },
    ),
    "volumes remove": Page(
        examples={
            "calzion volumes remove myapp-staging redis/data": "asks first",
            "calzion volumes remove myapp-staging redis/data --yes": "in a script",
        },
        exits={3: "there is no such volume", 4: "a service uses it, or it was not confirmed"},
    ),
    "export": Page(
        examples={
            "calzion export myapp myapp.calzion": "to a file that only you can read",
            "calzion export myapp myapp.calzion --pause": "with files and databases of one moment",
            "calzion export myapp - | ssh new-host calzion import - myapp": "to another machine, without a file",
            "calzion export myapp - | gpg --symmetric --output myapp.calzion.gpg": "encrypted, for a backup",
            "calzion export myapp demo.calzion --without-secrets": "to hand on",
        },
        exits={
            1: "it failed, or Ctrl-C: there is no file, and everything runs on",
            3: "there is no such deployment, or it has no release",
            4: "refused: the file exists already",
        },
        environment=_COLOURS,
    ),
    "backup": Page(
        examples={
            "calzion backup /var/backups/calzion": "to a new directory",
            "calzion backup server.tar": "to one file",
            "calzion backup - | gpg --symmetric --output server.tar.gpg": "encrypted",
        },
        exits={
            1: "it failed, or Ctrl-C: there is no backup, and everything runs on",
            4: "refused: it is there already",
        },
        environment=_COLOURS,
    ),
    "restore": Page(
        examples={
            "calzion restore server.tar --host-keys": "on a new machine, in the place of the old one",
            "calzion restore server.tar --only myapp": "what was destroyed by mistake",
        },
        exits={
            1: "a deployment could not be restored; the others are",
            3: "there is no such backup, or deployment in it",
        },
        environment=_COLOURS,
    ),
    "import": Page(
        examples={
            "calzion import myapp.calzion myapp": "as it was",
            "calzion import myapp.calzion myapp-try --sanitize": "beside it, with its data made safe",
            "ssh old-host calzion export myapp - | calzion import - myapp": "from another machine",
        },
        exits={
            1: "it failed, or Ctrl-C: nothing of it is left",
            2: "the file is not whole, damaged, or of another format",
            4: "refused: there is such a deployment already",
        },
        environment=_COLOURS,
    ),
    "destroy": Page(
        examples={
            "calzion destroy myapp-pr42": "shows what would be lost, and asks for the name",
            "calzion destroy myapp-pr42 --yes": "in a script",
        },
        exits={4: "refused: it was not confirmed"},
        environment=_COLOURS,
    ),
    "init": Page(
        examples={
            "calzion init": "writes template.yaml",
            "calzion init --print": "only shows it",
            "calzion init --compose docker-compose.prod.yml": "from another Compose file",
        },
        exits={
            2: "wrong use, or a file that can't be read",
            3: "nothing says what runs",
            4: "there is a template already",
        },
        files={
            "template.yaml": "what is written",
            "Procfile, app.json, compose.yaml, Dockerfile": "some of what is read",
        },
    ),
    "template": Page(
        examples={
            "calzion template check": "checks ./template.yaml",
            "calzion template schema > template.schema.json": "for an editor",
        }
    ),
    "template check": Page(
        examples={
            "calzion template check": "checks ./template.yaml",
            "calzion template check deploy/template.yaml --json": "for a program",
            "git show main:template.yaml | calzion template check -": "the one of another commit",
        },
        exits={0: "it can be deployed", 1: "it has mistakes", 3: "there is no such file"},
    ),
    "template schema": Page(
        examples={
            "calzion template schema > template.schema.json": "then begin template.yaml with the line: "
            "# yaml-language-server: $schema=template.schema.json",
        }
    ),
    "template reference": Page(examples={"calzion template reference | less": "every key and section"}),
    "completion": Page(
        examples={
            "calzion completion bash > ~/.local/share/bash-completion/completions/calzion": "for bash, with the "
            "package bash-completion",
            "calzion completion zsh > ~/.zfunc/_calzion": "for zsh, with 'fpath+=~/.zfunc' before compinit in ~/.zshrc",
            "calzion completion fish > ~/.config/fish/completions/calzion.fish": "for fish",
            'eval "$(calzion completion bash)"': "for this shell alone",
        }
    ),
    "help": Page(
        examples={
            "calzion help logs": "as calzion logs --help",
            "calzion help keys add": "of a command below",
        }
    ),
    "man": Page(
        examples={
            "calzion man ~/.local/share/man/man1": "then: man calzion-logs",
            "calzion man . && man ./calzion.1": "to look at them",
        }
    ),
}
"""By the words behind `calzion`; the program itself is ''."""

ARGUMENTS: dict[str, str] = {
    "SERVICE/NAME": "a volume, such as redis/data",
    "TEMPLATE": "the file of the template",
    "DEPLOYMENT": "the name of a deployment, such as myapp-staging",
    "DEPLOYMENT[:SERVICE]": "a deployment, or one service of it, such as myapp-staging:web",
    "[vN]": "the number of a release, such as v5",
    "FROM": "the deployment whose current release is taken",
    "TO": "the deployment in which it goes live",
    "DEPLOYMENT:SERVICE": "a service of a deployment, such as myapp-staging:web",
    "3d|never": "how long from now on: minutes, hours, days or weeks, such as 90m, 12h, 3d, 2w; 'never' takes it back",
    "SERVICE[.TYPE]=N...": "how many: of the service's web process, or of another process type",
    "[PART]": "host, router, reconciler, controller or sshd; else all of them",
    "FILE|-": "a file of an export; '-' is standard output or input",
    "NAME": "the name of a user",
    "[FILE|-]": "a file; '-' is standard input",
    "NAME|FINGERPRINT": "the name of a user, or the fingerprint of a key",
    "[DIRECTORY|-]": "the repository's directory; '-' is the current one, written to standard output",
    "DIRECTORY": "the directory to write to",
    "HOST": "a registry, such as registry.example.com or 127.0.0.1:5000; docker.io is Docker Hub",
    "SHELL": "bash, zsh or fish",
    "[IMAGE]...": "stack, slugrunner, slugbuilder, redis or postgres; else all of them",
    "[COMMAND]...": "the words of a command",
}
"""What an argument is, by how the usage names it."""
