from __future__ import annotations

import os
import threading

from calzion.host.loop import Loop


def test_calls_come_in_the_order_of_their_times() -> None:
    loop, seen = Loop(), []
    loop.later(0.02, lambda: seen.append("second"))
    loop.later(0.01, lambda: seen.append("first"))
    loop.later(0.015, lambda: seen.append("never")).cancel()
    loop.later(0.03, loop.stop)
    loop.run()
    assert seen == ["first", "second"]


def test_a_ready_file_is_told_until_it_is_no_longer_watched() -> None:
    loop, seen = Loop(), []
    reader, writer = os.pipe()

    def ready(_: int) -> None:
        seen.append(os.read(reader, 1))
        if seen[-1] == b"b":
            loop.unwatch(reader)
            loop.stop()

    loop.watch(reader, ready)
    os.write(writer, b"ab")
    loop.run()
    os.close(reader)
    os.close(writer)
    assert seen == [b"a", b"b"]


def test_work_aside_comes_back_to_the_loop() -> None:
    loop, threads = Loop(), []

    def done() -> None:
        threads.append(threading.current_thread())
        loop.stop()

    loop.aside(lambda: threads.append(threading.current_thread()), done)
    loop.run()
    assert threads[0] is not threading.main_thread() and threads[1] is threading.main_thread()


def test_a_stop_before_the_start_counts() -> None:
    loop = Loop()
    loop.stop()
    loop.run()
