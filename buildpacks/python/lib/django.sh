# Collects the static files of a Django app, as its own settings say.

collect_static() {
    local manage output=/tmp/collectstatic status=0 stand_ins=()
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
    stand_in_for_services "$manage" "$output"
    echo "running $manage collectstatic"
    env "${stand_ins[@]}" python "$manage" collectstatic --noinput --traceback 2>&1 | tee "$output" || status=$?
    if [ "$status" != 0 ]; then
        judge_collectstatic "$output"
    fi
}

# A build has no services beside it, and collectstatic needs none. But many settings ask for the addresses as they load:
# where they fail for want of one, addresses that lead nowhere take the places of those that the deployment will give.
stand_in_for_services() {
    local pair
    if python "$1" diffsettings >"$2" 2>&1 || ! grep -qE '\b(DATABASE|POSTGRES|REDIS)_URL\b' "$2"; then
        return
    fi
    for pair in {DATABASE,POSTGRES}_URL=postgres://build@127.0.0.1:1/build REDIS_URL=redis://127.0.0.1:1/0; do
        printenv "${pair%%=*}" >/dev/null || stand_ins+=("$pair")
    done
    echo "the settings ask for addresses of services: collectstatic gets some that lead nowhere"
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
