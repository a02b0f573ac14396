# What an environment is made from.

# What decides on the dependencies: a lock before what is loose, requirements.txt before a bare project.
choose_manager() {
    if [ -f uv.lock ]; then
        echo lock
    elif [ -f poetry.lock ] && [ -f pyproject.toml ]; then
        echo poetry
    elif [ -f Pipfile.lock ] || { [ -f Pipfile ] && [ ! -f requirements.txt ]; }; then
        echo pipfile
    elif [ -f requirements.txt ]; then
        echo requirements
    elif has_table project; then
        echo project
    elif has_table tool.poetry; then
        echo poetry
    elif [ -f setup.py ] || has_table build-system; then
        echo setup
    else
        echo nothing
    fi
}

has_table() { [ -f pyproject.toml ] && grep -q "^[[:space:]]*\[${1//./\\.}[].]" pyproject.toml; }

# Names everything that decides what is installed; empty where that can't be told.
fingerprint() {
    local files
    case $1 in
    lock) files='uv.lock pyproject.toml' ;;
    poetry) files='poetry.lock pyproject.toml' ;;
    pipfile) files='Pipfile.lock Pipfile' ;;
    requirements) files=$(requirement_files requirements.txt 0) || return 0 ;;
    project) files=pyproject.toml ;;
    setup) return 0 ;;
    nothing) files= ;;
    esac
    ! has_local_sources "$1" || return 0
    {
        printf '%s\n' "$STACK" "$CALZION_PYTHON" "$CALZION_PYTHON_VERSION" "$1"
        env | LC_ALL=C sort | grep -E '^(UV|PIP)_' || true
        local file
        for file in $files; do
            [ ! -f "$file" ] || sha256sum "$file"
        done
    } | sha256sum | cut -d ' ' -f 1
}

# Whether some dependency is a directory of the app beside the app itself, whose content is not in these files.
has_local_sources() {
    case $1 in
    lock) grep -E '^source = \{ (editable|directory|path) = ' uv.lock | grep -qv '= "\."' ;;
    project) has_table tool.uv.sources && grep -Eq '\b(path|workspace)[[:space:]]*=' pyproject.toml ;;
    *) false ;;
    esac
}

# The file and those that it includes. Fails where a requirement is a local path, whose content is not in these files.
requirement_files() {
    local file=$1 depth=$2 line included
    [ -f "$file" ] && [ "$depth" -lt 8 ] || return 1
    printf '%s\n' "$file"
    while read -r line || [ -n "$line" ]; do
        case $line in
        '-r '* | '-c '* | '--requirement '* | '--constraint '*)
            included=${line#* }
            case $included in *[!A-Za-z0-9_./-]*) return 1 ;; esac
            requirement_files "$(dirname "$file")/$included" $((depth + 1)) || return 1
            ;;
        '--index-url'* | '--extra-index-url'* | '-i '* | '--hash'*) ;;
        -* | .* | /* | *file:*) return 1 ;;
        esac
    done <"$file"
}
