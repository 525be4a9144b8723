"""The compose file obeys the compose schema, stays on loopback, and its files and image steps really work."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from broker.settings import validate
from gateway.settings import Gateway
from tests.conftest import ROOT

COMPOSE = ROOT / "docker" / "compose.yaml"
STACK = yaml.safe_load(COMPOSE.read_text())


@pytest.mark.slow
def test_the_compose_file_obeys_the_compose_schema() -> None:
    checked = subprocess.run(
        ["docker-compose", "-f", COMPOSE, "config", "-q"], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stderr


def test_every_service_is_on_loopback_and_publishes_no_port() -> None:
    for name, service in STACK["services"].items():
        assert service["network_mode"] == "host", name
        assert "ports" not in service, name
    services = STACK["services"]
    assert services["influxdb"]["environment"]["INFLUXDB_HTTP_BIND_ADDRESS"].startswith("127.0.0.1:")
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    listeners = re.findall(r"^listener .*", (COMPOSE.parent / "mosquitto/mosquitto.conf").read_text(), re.MULTILINE)
    assert listeners == ["listener 1883 127.0.0.1"]


def test_the_stacks_broker_has_the_production_limits() -> None:
    def limits(path: Path) -> list[str]:
        return sorted(re.findall(r"^max_\w+ \d+$", path.read_text(), re.MULTILINE))

    production = limits(ROOT / "broker/mosquitto/mosquitto.conf")
    assert len(production) >= 4
    assert set(limits(COMPOSE.parent / "mosquitto/mosquitto.conf")) <= set(production)
    assert len(limits(COMPOSE.parent / "mosquitto/mosquitto.conf")) == 4


def test_every_file_a_service_mounts_exists() -> None:
    for service in STACK["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).exists(), source


def test_the_stacks_gateway_settings_are_valid() -> None:
    path = COMPOSE.parent / "gateway/gateway.toml"
    settings = validate(Gateway, tomllib.loads(path.read_text()), str(path))
    assert settings.influx


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_images_steps_run_and_leave_a_working_command(tmp_path: Path) -> None:
    lines = (COMPOSE.parent / "Dockerfile").read_text().splitlines()
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *sources, target = rest.split()
            subprocess.run(
                ["cp", "-r", *(str(ROOT / source) for source in sources), str(tmp_path / target)], check=True
            )
        elif word == "RUN":
            step = rest.replace("/var/lib", f"{tmp_path}/var")
            if os.geteuid() != 0:
                step = step.replace("-o 10001 -g 10001 ", "")
            subprocess.run(["sh", "-euc", step], cwd=tmp_path, check=True, timeout=240)
    entry = next(line for line in lines if line.startswith("ENTRYPOINT"))
    command = tmp_path / entry.split('"')[1].removeprefix("/srv/mawashi/")
    helped = subprocess.run([command, "--help"], capture_output=True, text=True, check=False, timeout=60, cwd="/")
    assert helped.returncode == 0, helped.stderr
    assert "gateway" in helped.stdout
