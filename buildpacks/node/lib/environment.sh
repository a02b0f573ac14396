# Exports the build environment of the application, without what would break the tools.
export_environment() {
    local file name
    for file in "$1"/*; do
        name=${file##*/}
        case $name in
        PATH | HOME | CPATH | CPPATH | LD_PRELOAD | LD_LIBRARY_PATH | LIBRARY_PATH | \
            NODE_PATH | NODE_ENV | GIT_DIR | IFS | BASH_ENV | ENV | '*') ;;
        *[!A-Za-z0-9_]* | [0-9]*) ;;
        *) export "$name=$(cat "$file")" ;;
        esac
    done
}
