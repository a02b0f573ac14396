// What git takes for ssh: PORT KEY HOST COMMAND, by node's ssh2.
const { readFileSync } = require("fs");
const { Client } = require("ssh2");

const [port, key, , command] = process.argv.slice(2);
const client = new Client();
client.on("error", (error) => {
  console.error(error.message);
  process.exit(255);
});
client.on("ready", () => {
  client.exec(command, (error, stream) => {
    if (error) throw error;
    process.stdin.pipe(stream);
    stream.pipe(process.stdout);
    stream.stderr.pipe(process.stderr);
    stream.on("exit", (status) => {
      process.exitCode = status ?? 255;
    });
    stream.on("close", () => {
      process.stdin.destroy();
      client.end();
    });
  });
});
client.connect({ host: "127.0.0.1", port: Number(port), username: "git", privateKey: readFileSync(key) });
