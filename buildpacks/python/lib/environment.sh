# Exports the build environment of the application, without what would break the tools.
export_environment() {
    local file name
    for file in "$1"/*; do
        name=${file##*/}
        case $name in
        PATH | HOME | CPATH | CPPATH | LD_PRELOAD | LD_LIBRARY_PATH | LIBRARY_PATH | PYTHONHOME | PYTHONPATH | \
            VIRTUAL_ENV | GIT_DIR | IFS | BASH_ENV | ENV | UV_CACHE_DIR | UV_PROJECT_ENVIRONMENT | UV_PYTHON | \
            UV_PYTHON_* | CALZION_* | '*') ;;
        *[!A-Za-z0-9_]* | [0-9]*) ;;
        *) export "$name=$(cat "$file")" ;;
        esac
    done
    # Poetry's names for the credentials of a private index, as uv calls them.
    for name in "${!POETRY_HTTP_BASIC_@}"; do
        export "UV_INDEX_${name#POETRY_HTTP_BASIC_}=${!name}"
    done
}
