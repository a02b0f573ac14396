"""A shop as its authors left it: host names, ports and credentials in the code, three servers, two data services."""

from __future__ import annotations

TEMPLATE = """
db:
  image: postgres
  env: {POSTGRES_PASSWORD: s3cret}
redis:
  env: {REDIS_PASSWORD: ""}
site: {git: site}
live: {git: live}
cluster: {git: cluster}
"""

SITE = """
import json, os, urllib.request

import psycopg2
import redis

cache = redis.Redis(host="redis", port=6379, db=0)


def application(environ, start_response):
    with psycopg2.connect("host=db port=5432 user=postgres password=s3cret dbname=postgres") as database:
        with database.cursor() as cursor:
            cursor.execute("select current_user, current_database()")
            user, name = cursor.fetchone()
    with urllib.request.urlopen(f"http://live:{os.environ['LIVE_PORT']}/") as answer:
        by_name = answer.read().decode()
    with urllib.request.urlopen(f"http://{os.environ['LIVE_ADDR']}/") as answer:
        by_address = answer.read().decode()
    body = json.dumps([user, name, cache.incr("hits") > 0, by_name, by_address]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""

LIVE = """
import asyncio

VERSION = "one"


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await talk(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/events":
        await count(receive, send)
    elif scope["type"] == "http":
        await measure(scope, receive, send)


async def talk(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": VERSION})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def count(receive, send):
    gone = asyncio.create_task(until_gone(receive))
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    number = 0
    while not gone.done():
        await send({"type": "http.response.body", "body": b"data: %d\\n\\n" % number, "more_body": True})
        number += 1
        await asyncio.sleep(0.05)


async def until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def measure(scope, receive, send):
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body")
    body = f"{VERSION} {scope['method']} {scope['http_version']} {length}".encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""

CLUSTER = """
const cluster = require("node:cluster");
const http = require("node:http");
if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
} else {
  http.createServer((_, answer) => answer.end(`worker ${cluster.worker.id}`)).listen(process.env.PORT || 3000);
}
"""

FILES = {
    "template.yaml": TEMPLATE,
    "site/requirements.txt": "gunicorn==27.0.1\npsycopg2-binary==2.9.13\nredis==8.1.0\n",
    "site/shop.py": SITE,
    "site/Procfile": "web: gunicorn --workers 2 --bind 0.0.0.0:$PORT shop:application\n",
    "live/requirements.txt": "uvicorn==0.54.0\nwebsockets==17.0\n",
    "live/live.py": LIVE,
    "live/Procfile": "web: uvicorn --workers 2 --host '' --port ${PORT:-8000} live:app\n",
    "cluster/package.json": '{"name": "cluster", "version": "1.0.0", "private": true}',
    "cluster/cluster.js": CLUSTER,
    "cluster/Procfile": "web: node cluster.js\n",
}
