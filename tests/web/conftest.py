"""A gateway's two stores on a real disk with the sample's morning in them, and the web over them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from broker.clock import Reading
from broker.events import ClockQuality
from broker.messages import EpochHeld, Hello
from gateway.ledger import Ledger
from gateway.ledger.intake import Greeting
from gateway.rules.order import OrderState
from gateway.settings import Gateway, Web
from gateway.state import State
from gateway.web.app import create_app
from tests.conftest import listening, until
from tests.ports import free_port
from tests.web import sample


class House:
    """What projector and appender would have written, and how to write more."""

    def __init__(self, directory: Path) -> None:
        self.settings = Gateway(data_dir=directory, firms=sample.FIRMS, web=Web(port=free_port()))
        self.ledger = Ledger.open(self.settings.ledger_url, write=True)
        self.state = State.open(self.settings.state_url, write=True)
        self.position = 0

    def put(self, *orders: OrderState, parked: str | None = None) -> None:
        """Commit orders as folded, in one turn."""
        with self.state.turn():
            for order in orders:
                self.position += 1
                self.state.products.put_order(order, self.position, parked=parked)

    def append(self) -> None:
        """Commit one row to the ledger that the projector has not taken in."""
        self.ledger.append([b"{}"], Reading(sample.NOW.astimezone(UTC), 1, "b0", ClockQuality.SYNCED))

    def greet(self, *, holds: int, edge: str = "turning/e1", lowest: int = 1, minutes_ago: float = 0) -> None:
        """An edge says, or said, hello and up to which number it holds events."""
        now = sample.NOW.astimezone(UTC) - timedelta(minutes=minutes_ago)
        held = EpochHeld(epoch="0" * 15 + "1", lowest=lowest, last=holds, receipted=0, lost=())
        hello = Hello(
            at=now, mono_ms=1, boot="ab-1", clock=ClockQuality.SYNCED, nonce="f" * 16, ledger=None, epochs=(held,)
        )
        self.ledger.commit([Greeting(edge, hello, now)])

    def close(self) -> None:
        self.state.close()
        self.ledger.close()


@contextmanager
def sample_clock() -> Iterator[None]:
    """Every clock of this process and of those it starts begins at the sample's morning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAWASHI_DEMO_CLOCK", f"{sample.NOW.astimezone(UTC).isoformat()} {time.monotonic_ns()} 1")
        yield


@contextmanager
def morning(directory: Path) -> Iterator[House]:
    """The stores, with the clock standing at the sample's morning."""
    with sample_clock():
        built = House(directory)
        yield built
        built.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Stores of this test's own."""
    with morning(tmp_path) as built:
        yield built


def client_of(house: House) -> TestClient:
    return TestClient(create_app(house.settings), base_url="http://127.0.0.1:8471", follow_redirects=False)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """The application within this process, once it has read the sample."""
    house.put(*sample.orders())
    with client_of(house) as opened:
        until(lambda: opened.app.state.memory.pulse, what="the pages to have read the orders")
        yield opened


class Server:
    """`python -m gateway.web` as it runs for real."""

    def __init__(self, house: House, directory: Path, extra: str = "") -> None:
        self.house = house
        file = directory / "gateway.toml"
        firms = "\n".join(
            f'[[firms]]\nid = "{f.id}"\nname = "{f.name}"\nname_en = "{f.name_en}"\n'
            f"machine_figures = {str(f.machine_figures).lower()}"
            for f in sample.FIRMS
        )
        file.write_text(
            f'data_dir = "{house.settings.data_dir}"\n[web]\nport = {house.settings.web.port}\n{firms}\n{extra}\n',
            encoding="utf-8",
        )
        self.url = f"http://127.0.0.1:{house.settings.web.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.web", "--settings", str(file)], env=os.environ.copy()
        )
        until(self.answers, seconds=60, what="the web to answer with orders")

    def answers(self) -> bool:
        if not listening(self.house.settings.web.port):
            return False
        return bool(httpx.get(f"{self.url}/api/orders", timeout=5).json()["orders"])

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The web as a process of its own, which a test may end."""
    with morning(tmp_path) as house:
        house.put(*sample.orders())
        built = Server(house, tmp_path)
        yield built
        built.kill()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The web as a process that tests share; each test finds the sample's orders in it, perhaps among others.

    It alone keeps the sample's clock: it lives as long as this process, whose other tests have their own.
    """
    directory = tmp_path_factory.mktemp("web")
    with sample_clock():
        house = House(directory)
        house.put(*sample.orders())
        built = Server(house, directory)
    yield built
    built.kill()
    house.close()


@pytest.fixture
def running(shared_server: Server) -> Server:
    """The shared process, with the sample's orders as they were."""
    shared_server.house.put(*sample.orders())
    return shared_server
