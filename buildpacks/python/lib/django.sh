# Collects the static files of a Django app, as its own settings say.

collect_static() {
    local manage output=/tmp/collectstatic status=0
    compgen -G "$venv/lib/python*/site-packages/django/__init__.py" >/dev/null || return 0
    manage=$(find_manage)
    [ -n "$manage" ] || return 0
    case ${DISABLE_COLLECTSTATIC:-0} in
    '' | 0 | false) ;;
    *)
        echo "collectstatic is left out: DISABLE_COLLECTSTATIC is set"
        return
        ;;
    esac
    echo "running $manage collectstatic"
    python "$manage" collectstatic --noinput --traceback 2>&1 | tee "$output" || status=$?
    if [ "$status" != 0 ]; then
        judge_collectstatic "$output"
    fi
}

find_manage() {
    find . -maxdepth 3 -name '.?*' -prune -o -name node_modules -prune -o -type f -name manage.py -printf '%d %P\n' |
        LC_ALL=C sort -n | sed -n '1s/^[0-9]* //p'
}

judge_collectstatic() {
    if grep -q "^Unknown command: 'collectstatic'" "$1"; then
        echo "collectstatic is left out: django.contrib.staticfiles is not among the INSTALLED_APPS"
        return
    fi
    echo "collectstatic failed: mend what the traceback says (a variable that the settings need can be given in the"
    echo "service's env), or turn it off with DISABLE_COLLECTSTATIC: \"1\" in the service's env"
    exit 1
}
