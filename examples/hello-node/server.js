"use strict";
const http = require("node:http");

const server = http.createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end("Hello from Node\n");
});
server.listen(process.env.PORT);
process.on("SIGTERM", () => server.close());
