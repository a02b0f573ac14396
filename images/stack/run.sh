# Starts what a container is for: takes the app's profile, as any shell of the app has it, and becomes the command.
# Usage: run.sh shell TEXT | exec PROGRAM ARGUMENTS...
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
