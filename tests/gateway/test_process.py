"""What every process of the shared server does first."""

import os
import signal
import threading

from gateway.process import ended_by


def test_a_signal_stops_a_process_whose_main_thread_holds_the_lock_that_stopping_needs():
    lock, got, stopped = threading.Lock(), [], threading.Event()

    def stop() -> None:
        got.append(lock.acquire(timeout=10))
        stopped.set()

    before = signal.getsignal(signal.SIGUSR1)
    with ended_by(signal.SIGUSR1, stop=stop):
        with lock:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not stopped.wait(0.2), "it waits for us"
        assert stopped.wait(20)
    assert got == [True]
    assert signal.getsignal(signal.SIGUSR1) == before
