"""Counts entries: takes them off a list in Redis, one by one."""

import os

import redis

store = redis.Redis.from_url(os.environ["REDIS_URL"])
print("waiting for entries", flush=True)
while True:
    taken = store.blpop(["new-entries"], timeout=5)
    if taken:
        print("counted", store.incr("counted"), flush=True)
