"""Benchmarks: programs that anyone can run, `script/bench NAME`; no timed tests."""
