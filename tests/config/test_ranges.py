"""Numbers that cannot be something else: ranges beside the fields, YAML 1.2, and no traceback for any config."""

import random
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

from vidsparse.config import Config, identity, to_yaml
from vidsparse.config.change import changed
from vidsparse.config.compose import compose
from vidsparse.config.kinds import kind_of, members
from vidsparse.config.ranges import ranges
from vidsparse.config.reading import Unfit, read, split_list, word
from vidsparse.loading import load_config, validate
from vidsparse.sparsity.method import SETTINGS
from vidsparse.utils.errors import ConfigError

RANGES = ranges(Config)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def right() -> Config:
    """A config that is right."""
    return load_config("ucf101_rigl")


def numbers(schema: type, prefix: str = "") -> dict[str, tuple[bool, bool]]:
    """{key of every number below a dataclass: (whole, in a list)}."""
    found = {}
    for name, kind in get_type_hints(schema).items():
        if name not in {each.name for each in fields(schema)}:
            continue
        if is_dataclass(kind):
            found |= numbers(kind, f"{prefix}{name}.")
        for one in members(kind):
            entry = get_args(one)[0] if get_origin(one) is list else one
            if entry in (int, float):
                found[prefix + name] = (entry is int, entry is not one)
    return found


NUMBERS = numbers(Config)


def outsiders(key: str) -> list[str]:
    """Values just outside the range of a number, as the command line spells them."""
    whole, _ = NUMBERS[key]
    allowed, step = RANGES[key], 1 if NUMBERS[key][0] else 1e-6
    found = ["100000000000000000000", *([] if whole else ["nan", ".inf", "-inf", "1e400"])]
    found += [str(allowed.at_least - step)] if allowed.at_least is not None else []
    found += [str(allowed.above)] if allowed.above is not None else []
    found += [str(allowed.at_most + step)] if allowed.at_most is not None else []
    found += [str(allowed.below)] if allowed.below is not None else []
    return [text.removesuffix(".0") if whole else text for text in found]


def test_every_number_of_the_schema_has_its_range():
    assert set(NUMBERS) == set(RANGES)
    assert all(allowed.meaning for allowed in RANGES.values())
    assert all(allowed.at_least is not None or allowed.above is not None for allowed in RANGES.values())


@pytest.mark.parametrize("key", sorted(NUMBERS))
def test_what_is_outside_a_range_is_refused_by_its_key(key, right):
    for text in outsiders(key):
        try:
            value = word(f"[{text}]" if NUMBERS[key][1] else text, kind_of(key), key)
        except Unfit:
            continue
        with pytest.raises(ConfigError) as caught:
            validate(changed(right, {key: value}), {key: "on the command line"})
        assert str(caught.value).startswith(f"{key}=")
        assert "\n" not in str(caught.value)
    assert caught  # not all of them are misfits


def test_a_setting_of_methods_is_a_key_of_the_config_with_the_same_range_and_meaning():
    for name, setting in SETTINGS.items():
        assert RANGES.get(f"sparse.{name}") == setting.allowed
        assert {*members(setting.type)} == {*members(kind_of(f"sparse.{name}"))}
        assert (f"sparse.{name}_epochs" in RANGES) == setting.in_epochs


@pytest.mark.parametrize(
    ("said", "value"),
    [
        *[(f"training.seed={text}", seed) for text, seed in
          (("008", 8), ("010", 10), ("018", 18), ("0o10", 8), ("0x1F", 31), ("+5", 5))],
        ("training.optimizer.lr=1e-3", 0.001),
        ("training.optimizer.lr=.5", 0.5),
        ("training.schedule.warmup_epochs=01", 1.0),
        ("study.seeds=[08,009,010]", [8, 9, 10]),
        ("name=1.10", "1.10"), ("name=off", "off"), ("name=008", "008"), ("name=1e3", "1e3"), ("name=true", "true"),
        ("name=2024-01-01", "2024-01-01"), ("name='a b'", "a b"), ("name=1_000", "1_000"), ("name=1:30", "1:30"),
        ("sparse.exclude=[*fc*]", ["*fc*"]), ("sparse.exclude=[&x,!y,a[0-9]*,'b,c']", ["&x", "!y", "a[0-9]*", "b,c"]),
        ("sparse.exclude=null", None), ("model.weights=null", None), ("data.augment.flip=off", False),
        ("analysis.spectral=off", False), ("analysis.spectral=auto", "auto"), ("engine.precision=32", "32"),
        ("evaluation.crops=3", 3), ("engine.workers=02", 2), ("engine.workers=auto", "auto"),
    ],
)  # fmt: skip
def test_a_value_is_read_by_yaml_1_2_and_by_the_type_of_its_field_everywhere(said, value):
    Path("bare.yaml").write_text("")
    key, _, text = said.partition("=")
    config, _ = compose("bare.yaml", [said])
    block, _, leaf = key.rpartition(".")
    owner = config
    for part in block.split(".") if block else ():
        owner = getattr(owner, part)
    assert repr(getattr(owner, leaf)) == repr(value)
    if "[*" in text or "&" in text:
        return  # in a file, what begins with * or & is YAML's own
    inner = f"{leaf}: {text}"
    for part in reversed(block.split(".") if block else []):
        inner = f"{part}: {{{inner}}}"
    Path("mine.yaml").write_text(f"{inner}\n")
    assert identity(compose("mine.yaml")[0]) == identity(config)


def test_a_hundred_seeds_of_seq_are_a_hundred_seeds():
    Path("bare.yaml").write_text("")
    seeds = {compose("bare.yaml", [f"training.seed={n:03d}"])[0].training.seed for n in range(1, 101, 9)}
    assert seeds == set(range(1, 101, 9))


@pytest.mark.parametrize(
    "text", ["1:30", "1_000", "1e3", "true", "null", "0b1", "9" * 5000, "[1]", "{a: 1}", "1.0", "०"]
)
def test_what_is_no_whole_number_is_none(text):
    with pytest.raises(ConfigError, match=r"training\.seed=?.* does not fit: it takes a value of type int"):
        compose("ucf101_rigl", [f"training.seed={text}"])
    Path("mine.yaml").write_text(f"training: {{seed: {text}}}")
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        compose("mine.yaml")


@pytest.mark.parametrize(
    "said",
    ["name=${oc.env:HOME}", "name=x${oc.env:A,b}", "training.seed=${oc.decode:3}", "sparse.exclude=[${oc.env:HOME}]",
     "study.data=[{name: a, data.root: '${oc.env:HOME}'}]", "name=${a${oc.env:HOME}}", "name=\\${oc.env:HOME}",
     "sample.name=${oc.env:HOME}", "name=${oc.create:3}", "name=${unclosed"],
)  # fmt: skip
def test_no_secret_of_the_environment_comes_into_a_config(said, monkeypatch):
    monkeypatch.setenv("HOME", "/secret-home")
    with pytest.raises(ConfigError, match=r"only \$\{key\}") as caught:
        compose("ucf101_rigl", [said])
    assert "secret-home" not in str(caught.value)
    key, _, value = said.partition("=")
    Path("mine.yaml").write_text(f"base: ucf101_rigl\n{key}: '{value}'" if key == "name" else "name: ${oc.env:HOME}")
    with pytest.raises(ConfigError, match=r"only \$\{key\}"):
        compose("mine.yaml")


def test_a_reference_put_together_from_two_is_refused():
    with pytest.raises(ConfigError, match="name"):
        compose("ucf101_rigl", ["name=${logging.dir}${data.root}", "logging.dir=$", "data.root={oc.env:HOME}"])


@pytest.mark.parametrize("base", ["{a: 1}", "[x]", "${x}", "true", "8", "passwd", "./passwd"])
def test_a_base_that_is_no_yaml_file_is_refused_and_never_shown(base):
    Path("passwd").write_text("root:x:0:0:secret: [")
    Path("mine.yaml").write_text(f"base: {base}")
    with pytest.raises(ConfigError, match=r"base|config") as caught:
        compose("mine.yaml")
    assert "secret" not in str(caught.value)


def test_a_broken_yaml_file_is_named_by_line_and_not_printed():
    Path("mine.yaml").write_text("sparse:\n  exclude: [*secret*]\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml .* line 2, .*quotes") as caught:
        compose("mine.yaml")
    assert "secret" not in str(caught.value)


def test_a_config_reads_back_the_same_whatever_its_texts_look_like():
    Path("bare.yaml").write_text("data: {root: .}")
    for name in ("1.10", "off", "008", "null", "0o10", "2024-01-01", "a: '#x é", "<<"):
        config = load_config(
            "bare.yaml", [f"name={name}", "sparse.exclude=[on,08,0o7,~x]", "sparse.method=set", "sparse.sparsity=0.5"]
        )
        Path("again.yaml").write_text(to_yaml(config))
        assert identity(load_config("again.yaml")) == identity(config)
        assert read(to_yaml(config), Config)["name"] == name


def test_a_list_of_patterns_is_split_as_it_stands():
    assert split_list("[]") == []
    assert split_list("[a, 'b,c' ,*d]") == ["a", "'b,c'", "*d"]
    assert split_list("[a,]") == ["a"]


SCALARS = ["", "null", "~", "true", "off", "008", "-1", "1e3", "1:30", "10" * 40, "nan", ".inf", "1_0", "é", "*a",
           "&a x", "!x y", "!!int x", "${x}", "${oc.env:HOME}", "${data.frames}", "???", "'", '"', "[", "]", "{", "}",
           "[[[[1]]]]", "\t", "{a: 1}", "{a: {b: [1, {c: 2}]}}", "[1, [2]]", "[a, {b: c}]", "- 1", "a: b", "#", "|",
           "=", "\\", "\0", "rigl", "r3d_18", "auto", "x" * 300, "/", "../..", "0x", "0o9", "[${data.frames}]",
           "{<<: {a: 1}}"]  # fmt: skip
KEYS = ["null", "1", "true", "<<", "~", "base", "sample", "", ".", "a.b", "é", "nope"]


def schema_keys(kind: type = Config, prefix: str = "") -> list[str]:
    found = []
    for name, inner in get_type_hints(kind).items():
        found.append(prefix + name)
        if is_dataclass(inner):
            found += schema_keys(inner, f"{prefix}{name}.")
    return found


def fuzz(count: int, seed: int) -> dict[str, int]:
    """Odd configs, as files and as words of the command line: each is read or refused in one sentence."""
    draw, counts = random.Random(seed), {"read": 0, "refused": 0, "no sentence": 0}
    keys = [*schema_keys(), *KEYS, "training.schedule.milestones.0", "sample.training.seed", "study.data.0.name"]
    for _ in range(count):
        words, text = [], []
        for _ in range(draw.randint(1, 3)):
            key, value = draw.choice(keys), draw.choice(SCALARS)
            words.append(f"{key}={value}" if draw.random() < 0.95 else value)
            nested = value
            for part in reversed(key.split(".")[1:]):
                nested = f"{{{part}: {nested}}}"
            text.append(f"{key.split('.')[0]}: {nested}")
        Path("fuzz.yaml").write_text("\n".join(text))
        for path, given in (("ucf101_rigl", words), ("fuzz.yaml", [])):
            try:
                load_config(path, given)
                counts["read"] += 1
            except ConfigError as error:
                counts["refused" if str(error).strip() and "\n" not in str(error) else "no sentence"] += 1
            except Exception as error:
                raise AssertionError(f"{type(error).__name__} for {given or text}") from error
    return counts


@pytest.mark.slow
def test_no_config_ends_in_a_traceback():
    counts = fuzz(30, seed=4)
    assert counts["no sentence"] == 0
    assert counts["refused"] > 0
