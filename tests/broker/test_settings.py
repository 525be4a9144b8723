"""Settings: every mistake at once, each with file, key, reason and remedy; the exact sentences."""

from pathlib import Path

import pytest

from broker.settings import Mqtt, Settings, SettingsError, load


class Sample(Settings):
    name: str
    port: int = 1
    mqtt: Mqtt = Mqtt()


def problems(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(Sample, path)
    return caught.value.problems


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    told = problems(path, 'port = "many"\ncolour = "red"\n[mqtt]\nhost = "broker.example.jp"\n')
    assert told == [
        f"{path}: name: is missing. Add it.",
        f"{path}: port: is 'many': Input should be a valid integer, unable to parse string as an integer. Change it.",
        f"{path}: mqtt: broker.example.jp is another machine and needs TLS: add a [mqtt.tls] table with ca_file.",
        f"{path}: colour: is no setting of Mawashi. Check the spelling or remove it.",
    ]


def test_a_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    told = problems(tmp_path / "a.toml", 'name = "x"\n[mqtt.tls]\nca_file = "ca.pem"\ncert_file = "me.pem"\n')
    assert told == [f"{tmp_path}/a.toml: mqtt.tls: cert_file and key_file go together: give both or neither."]


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    (told,) = problems(tmp_path / "a.toml", "name = \n")
    assert told.startswith(f"{tmp_path}/a.toml: is not TOML: Invalid value (at line 1, column 8). Mend that line.")


def test_a_missing_file_points_to_the_samples(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Sample, tmp_path / "none.toml")
    assert caught.value.problems == [
        f"{tmp_path}/none.toml: there is no such file. Copy the sample from config/ and edit it."
    ]
