"""A guestbook: entries in PostgreSQL, and how many the worker has counted, in Redis."""

import html
import os
from urllib.parse import parse_qs

import psycopg
import redis

GREETING = "Welcome to the guestbook"
MAX_BODY = 10_000

store = redis.Redis.from_url(os.environ["REDIS_URL"])


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        add(environ)
        start_response("303 See Other", [("Location", "/")])
        return []
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [page().encode()]


def add(environ):
    length = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_BODY)
    text = parse_qs(environ["wsgi.input"].read(length).decode()).get("text", [""])[0].strip()
    if text:
        with database() as connection:
            connection.execute("INSERT INTO entries (text) VALUES (%s)", [text])
        store.rpush("new-entries", text)


def page():
    with database() as connection:
        rows = connection.execute("SELECT text FROM entries ORDER BY id DESC LIMIT 50").fetchall()
    entries = "".join(f"<li>{html.escape(text)}</li>" for (text,) in rows)
    counted = int(store.get("counted") or 0)
    return f"""<!doctype html>
<title>{GREETING}</title>
<h1>{GREETING}</h1>
<form method="post"><input name="text" autofocus><button>Sign</button></form>
<p>The worker has counted <b id="counted">{counted}</b>.</p>
<ul>{entries}</ul>
"""


def database():
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
