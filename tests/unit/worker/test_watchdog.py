"""The watchdog: idle and silent for too long is lost, and nothing else is."""

import threading

from appliance.worker.watchdog import Watchdog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_idle_and_silent_for_too_long_is_lost() -> None:
    clock = Clock()
    watchdog = Watchdog(lambda: None, silence_s=45, clock=clock)
    clock.now = 45
    assert not watchdog.is_lost()
    clock.now = 46
    assert watchdog.is_lost()


def test_long_work_is_no_silence() -> None:
    clock = Clock()
    watchdog = Watchdog(lambda: None, silence_s=45, clock=clock)
    watchdog.began()
    clock.now = 1000
    assert not watchdog.is_lost()
    watchdog.ended()
    assert not watchdog.is_lost()
    clock.now = 1046
    assert watchdog.is_lost()


def test_it_ends_the_process_once() -> None:
    ended = threading.Event()
    clock = Clock()
    watchdog = Watchdog(ended.set, silence_s=45, every_s=0.01, clock=clock)
    watchdog.start()
    assert not ended.wait(0.05)
    clock.now = 100
    assert ended.wait(5)
