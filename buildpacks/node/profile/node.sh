export PATH="$HOME/node_modules/.bin:$HOME/.calzion/bin:/opt/calzion/node/bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}"
