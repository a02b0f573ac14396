# Runs inside the sandbox or container, as the instance's user: takes its environment, sources the app's profile and
# becomes the command. Usage: run.sh shell TEXT | exec PROGRAM ARGUMENTS...
# Into a sandbox variables go as __calzion_env_N=NAME=VALUE, so that none of them reaches a program that is still
# privileged.
for __calzion_name in "${!__calzion_env_@}"; do
	export "${!__calzion_name}" 2>/dev/null || :
	unset "$__calzion_name"
done
umask 022
cd /app || exit 126

# A profile may change the positional parameters.
__calzion_command=("$@")
for __calzion_name in /app/.profile.d/*.sh /app/.profile; do
	[ -r "$__calzion_name" ] && . "$__calzion_name"
done
set -- "${__calzion_command[@]}"
unset __calzion_name __calzion_command

case $1 in
shell) exec /bin/bash -c "$2" ;;
exec) shift && exec -- "$@" ;;
esac
echo "run.sh: neither 'shell TEXT' nor 'exec PROGRAM ARGUMENTS...' was given" >&2
exit 126
