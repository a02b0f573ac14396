#!/bin/sh
# Prepares /app in a mount namespace of its own and becomes the sandbox.
# Usage: launch.sh MODE SLUG UPPER WORK APP [CGROUP_PROCS...] -- COMMAND...
# MODE: overlay, userxattr (an overlay made in a user namespace), copy, or empty.
set -eu
mode=$1 slug=$2 upper=$3 work=$4 app=$5
shift 5
while [ "$1" != -- ]; do
	echo 0 >"$1"
	shift
done
shift
layers=lowerdir=$slug,upperdir=$upper,workdir=$work
case $mode in
overlay) mount -t overlay -o "$layers" overlay "$app" ;;
userxattr) mount -t overlay -o "$layers,userxattr" overlay "$app" ;;
copy) cp -a "$slug/." "$app/" ;;
esac
exec "$@"
