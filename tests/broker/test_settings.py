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
        f"{path}: name: ありません。書いてください / is missing. Add it.",
        f"{path}: port: いまは 'many'。整数ではありません。直してください / is 'many', which is no whole number. Change it.",
        f"{path}: mqtt: broker.example.jp は別の機械なので TLS が要ります。tls に ca_file を書いてください / broker.example.jp is another machine and needs TLS: add a table tls with ca_file.",
        f"{path}: colour: そういう設定はありません。つづりを確かめるか、消してください / is no setting of Mawashi. Check the spelling or remove it.",
    ]


def test_a_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    told = problems(tmp_path / "a.toml", 'name = "x"\n[mqtt.tls]\nca_file = "ca.pem"\ncert_file = "me.pem"\n')
    assert told == [
        f"{tmp_path}/a.toml: mqtt.tls: cert_file と key_file は両方書くか、両方なくしてください / cert_file and key_file go together: give both or neither."
    ]


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    (told,) = problems(tmp_path / "a.toml", "name = \n")
    assert told == (
        f'{tmp_path}/a.toml: 1 行目が TOML として読めません：name = ── 文字は半角の " " で囲み、同じ名前は二度書けません / '
        'line 1 is not TOML (Invalid value): name = -- text stands between two plain ", and a key only once. Mend that line.'
    )


def test_a_file_that_ends_too_soon_is_said_to(tmp_path: Path) -> None:
    (told,) = problems(tmp_path / "a.toml", 'name = ["a",\n')
    assert "終わりの行の引用符と括弧を確かめてください" in told


def test_a_misspelt_key_is_answered_with_the_one_that_is_meant(tmp_path: Path) -> None:
    told = problems(tmp_path / "a.toml", 'nam = "x"\n[mqtt]\nhots = "127.0.0.1"\n')
    assert [line.rpartition(": ")[2] for line in told[1:]] == [
        "そういう設定はありません。host ですか / is no setting of Mawashi. Is it host?",
        "そういう設定はありません。name ですか / is no setting of Mawashi. Is it name?",
    ]


def test_a_relative_path_starts_at_the_settings_files_folder_wherever_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.toml").write_text(
        'name = "x"\n[mqtt]\npassword_file = "secret"\n[mqtt.tls]\nca_file = "../ca.pem"\n'
    )
    monkeypatch.chdir(tmp_path)
    mqtt = load(Sample, Path("shop/a.toml")).mqtt
    assert mqtt.password_file == tmp_path / "shop/secret"
    assert mqtt.tls
    assert mqtt.tls.ca_file == tmp_path / "ca.pem"


def test_a_missing_file_points_to_the_samples(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Sample, tmp_path / "none.toml")
    assert caught.value.problems == [
        f"{tmp_path}/none.toml: ファイルがありません。config/ の見本を写して書き換えてください / there is no such file. Copy the sample from config/ and edit it."
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("port = 1.5", "いまは 1.5。整数ではありません。直してください / is 1.5, which is no whole number. Change it."),
        ("port = 0", "いまは 0。1 以上にしてください / is 0, and must be 1 or more. Change it."),
        ("port = 70000", "いまは 70000。65535 以下にしてください / is 70000, and must be 65535 or less. Change it."),
        (
            'version = "4"',
            "いまは '4'。'5' or '3.1.1' のどれかにしてください / is '4', and must be one of '5' or '3.1.1'. Change it.",
        ),
        ('host = ""', "いまは ''。1 文字以上にしてください / is '', and must be at least 1 long."),
        (
            "username = 4471",
            "いまは 4471。文字ではありません。引用符で囲んでください / is 4471, which is no text. Put it in quotation marks.",
        ),
        (
            "reconnect_seconds_max = 0",
            "いまは 0。0.0 より大きくしてください / is 0, and must be more than 0.0. Change it.",
        ),
        (
            "tls = 1",
            (
                "いまは 1。表ではありません。[ ] の見出しの下に書いてください / "
                "is 1, which is no table. Write it under a heading in [ ]."
            ),
        ),
    ],
)
def test_each_mistake_is_a_sentence_in_both_languages(tmp_path: Path, line: str, said: str) -> None:
    (told,) = problems(tmp_path / "a.toml", f'name = "x"\n[mqtt]\n{line}\n')
    assert told == f"{tmp_path}/a.toml: mqtt.{line.partition(' ')[0]}: {said}"
