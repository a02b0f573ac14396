export VIRTUAL_ENV="$HOME/.calzion/python"
export PATH="$VIRTUAL_ENV/bin:$PATH"
export PYTHONUNBUFFERED=1
export LANG="${LANG:-C.UTF-8}"
