# How an environment is made, for each kind of input.

install_lock() {
    echo "installing the dependencies of uv.lock"
    uv sync --frozen --no-dev
}

install_project() {
    echo "installing the dependencies of pyproject.toml (no uv.lock: the newest that fit)"
    uv sync --no-dev
}

install_requirements() {
    make_venv
    echo "installing the dependencies of requirements.txt"
    uv pip install --requirement requirements.txt
}

install_nothing() {
    make_venv
}

make_venv() {
    local version=
    if [ -f runtime.txt ]; then
        version=$(sed -n 's/^python-\([0-9]*\.[0-9]*\).*/\1/p' runtime.txt)
    fi
    uv venv --quiet ${version:+--python "$version"} "$venv"
}

# The spare is moved; without one the environment itself is linked.
restore() {
    mv "$cache/spare" "$venv" 2>/dev/null || cp -al "$cache/venv" "$venv"
}

# An environment from the cache lacks only the project itself.
finish_cached() {
    if [ -f "$cache/uv.lock" ] && [ ! -f uv.lock ]; then
        cp "$cache/uv.lock" uv.lock
    fi
    case $1 in
    lock | project)
        if grep -q '^[[:space:]]*\[build-system\]' pyproject.toml; then
            uv sync --frozen --no-dev --quiet
        fi
        ;;
    esac
}
