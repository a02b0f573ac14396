# How an environment is made, for each kind of input.

requirements=/tmp/calzion-requirements.txt
options=$cache/options

install_lock() {
    echo "installing the dependencies of uv.lock"
    uv sync --python "$CALZION_PYTHON" --frozen --no-dev
}

install_project() {
    echo "installing the dependencies of pyproject.toml (no uv.lock: the newest that fit)"
    uv sync --python "$CALZION_PYTHON" --no-dev
}

install_requirements() {
    make_venv
    echo "installing the dependencies of requirements.txt"
    uv pip install --requirement requirements.txt
    add_setuptools
}

install_pipfile() {
    make_venv
    if [ -f Pipfile.lock ]; then
        echo "installing the default packages of Pipfile.lock"
    else
        echo "installing the packages of Pipfile (no Pipfile.lock: the newest that fit)"
    fi
    convert pipfile
    install_converted "$([ -f Pipfile.lock ] && echo --no-deps)"
    add_setuptools
}

install_poetry() {
    make_venv
    if [ -f poetry.lock ]; then
        echo "installing the main dependencies of poetry.lock"
    else
        echo "installing the main dependencies of pyproject.toml (no poetry.lock: the newest that fit)"
    fi
    convert poetry_lock
    install_converted "$([ -f poetry.lock ] && echo --no-deps)"
    rm -f "$cache/root"
    [ ! -f "$requirements.root" ] || install_root
}

install_setup() {
    make_venv
    echo "installing the app itself with what it requires (no lock: the newest that fit)"
    uv pip install --editable .
    add_setuptools
}

install_nothing() {
    make_venv
}

make_venv() {
    uv venv --quiet --no-project --python "$CALZION_PYTHON" "$venv"
}

# Writes $requirements, and $options: what uv has to be told beside them, an argument a line.
convert() {
    PYTHONPATH=/opt/calzion/python "$CALZION_TOOL_PYTHON" -s -B "$here/lib/$1.py" "$build" "$requirements" "$options"
}

# Where one of them is a directory of the app, its content counts too, and the environment is not kept.
install_converted() {
    local arguments
    ! grep -Eq '^(-e |/)|@ file:' "$requirements" || key=
    mapfile -t arguments <"$options"
    if [ -s "$requirements" ]; then
        uv pip install ${1:+"$1"} "${arguments[@]}" --requirement "$requirements"
    fi
}

# The app itself, where Poetry would install it too. $cache/root remembers for which key.
install_root() {
    uv pip install --quiet --no-deps --editable .
    printf '%s' "$key" >"$cache/root"
}

# Before Python 3.12 every environment had it, and older packages count on that.
add_setuptools() {
    case $CALZION_PYTHON_VERSION in 3.[0-9].* | 3.1[01].*) ;; *) return 0 ;; esac
    compgen -G "$venv/lib/python*/site-packages/setuptools" >/dev/null || uv pip install --quiet 'setuptools<81'
}

# The spare is moved; without one the environment itself is linked. What a script of the app may write into is copied,
# and so is everything where the cache is another mount than the app.
restore() {
    if has_hook post_compile || { ! mv "$cache/spare" "$venv" 2>/dev/null && ! link_venv; }; then
        cp -a "$cache/venv" "$venv"
    fi
}

link_venv() {
    cp -al "$cache/venv" "$venv" 2>/dev/null || { rm -rf "$venv" && false; }
}

# An environment from the cache lacks only the project itself.
finish_cached() {
    if [ -f "$cache/uv.lock" ] && [ ! -f uv.lock ]; then
        cp "$cache/uv.lock" uv.lock
    fi
    case $1 in
    lock | project)
        if has_table build-system; then
            uv sync --python "$CALZION_PYTHON" --frozen --no-dev --quiet
        fi
        ;;
    poetry)
        [ "$(cat "$cache/root" 2>/dev/null)" != "$key" ] || install_root
        ;;
    esac
}
