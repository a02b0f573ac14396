"""Run once for each release, before it gets traffic."""

import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS entries (id serial PRIMARY KEY, text text NOT NULL, at timestamptz DEFAULT now())"
    )
print("the table of entries is there")
