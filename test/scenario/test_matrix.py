"""Every dialect asked × every engine and provider behind × every feature, plain and streaming.

matrix/expected.txt says beforehand what must happen. A feature that is carried must arrive in the
engine's own words and its answer must come back in the caller's; one that is left out must be named;
one that is refused must reach nobody. docs/reference/matrix.md is what this run saw:
TAMPU_WRITE_MATRIX=1 writes it.
"""
import json
import os
import pathlib

import pytest

from matrix.answering import ANSWER_TOKENS, DIALECTS, PROMPT_TOKENS, TEXT, THINKING, Engine
from matrix.asking import ARGUMENTS, CALLERS, TOOL
from world import Client

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "matrix.md"
ENGINES = {     # of a machine: what it holds, able and plain
    "ollama": ("qwen3-vl:8b", "tinyllama:1.1b"),
    "llama-server": ("qwen3-vl:8b", "tinyllama:1.1b"),
    "openai": ("qwen3-vl:8b", "tinyllama:1.1b"),
    "whisper-server": ("whisper-large-v3-turbo", None),
    "sd-server": ("sd-turbo", None),
}
PROVIDERS = {"anthropic": "/v1/messages", "gemini": "", "openai": "", "openai-compatible": ""}
NAME, PLAIN_NAME, KEY = "S-LOC-FRE-able", "S-LOC-FRE-plain", "a-credential"
seen = {}


def read_expected():
    """{(behind, caller, feature): sign}; providers are "cloud NAME"."""
    expected, behind, feature = {}, [], None
    for line in (HERE / "matrix" / "expected.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "behind:":
            at = words.index("|")
            behind = words[1:at] + [f"cloud {w}" for w in words[at + 1:]]
        elif len(words) == 1:
            feature = words[0]
        else:
            signs = [w for w in words[1:]]
            assert len(signs) == len(behind), line
            for name, sign in zip(behind, signs):
                expected[name, words[0], feature] = sign
    return expected


EXPECTED = read_expected()
BEHIND = list(dict.fromkeys(key[0] for key in EXPECTED))
CELLS = [(behind, caller, feature, stream) for (behind, caller, feature), sign in EXPECTED.items()
         if sign != "." for stream in (False, True)]


def write_fleet(folder, behind, port):
    kind = behind.removeprefix("cloud ")
    if behind in ENGINES:
        able, plain = ENGINES[behind]
        models = [f'{{pull: "{able}", name: {NAME}, context: 8K}}']
        if plain:
            models.append(f'{{pull: "{plain}", name: {PLAIN_NAME}, context: 2K}}')
        text = (f"fleet: matrix\nmachines:\n  one: {{addresses: {{lan: 127.0.0.1}}, "
                f"engines: [{{kind: {kind}, port: {port}, slots: 4}}], "
                f"models: [{', '.join(models)}]}}\n")
    else:
        def cloud(name, model, what):
            return (f"  - {{name: {name}, provider: {kind}, model: {model}, "
                    f"url: \"http://127.0.0.1:{port}\", key: \"env:CLOUD_KEY\", price_in: 1, "
                    f"price_out: 2, context: 200K, output_max: 8K, capabilities: [{what}]}}\n")
        text = "fleet: matrix\nmachines: {idle: {inference: false}}\ncloud:\n"
        text += cloud(cloud_name(NAME), "able-model", "completion, vision, tools, thinking")
        text += cloud(cloud_name(PLAIN_NAME), "plain-model", "completion")
    path = pathlib.Path(folder) / "fleet.yaml"
    path.write_text(text)
    return path


def cloud_name(name):
    return name.replace("LOC-FRE", "CLD-PAY")


class World:
    """A gateway with one engine or provider behind it."""

    def __init__(self, behind, start, folder):
        self.behind, self.engine = behind, Engine()
        fleet = write_fleet(folder, behind, self.engine.port)
        self.gateway = start("serve", fleet, "--state", folder / "state",
                             env={"CLOUD_KEY": KEY})
        self.is_cloud = behind.startswith("cloud ")

    def ask(self, caller, feature, stream, name=NAME):
        """(answer, what arrived)"""
        name = cloud_name(name) if self.is_cloud else name
        before, front = len(self.engine.asked), CALLERS[caller]
        headers = {"content-type": "application/json", **front.headers}
        answer = Client(self.gateway.address, "POST", front.path_of(name, stream),
                        front.ask(name, feature, stream), headers).finish()
        return answer, self.engine.asked[before:]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """worlds(behind): made once for each."""
    import conftest
    made, gateways = {}, []

    def world(behind):
        if behind not in made:
            folder = tmp_path_factory.mktemp("matrix")

            def start(*words, **options):
                gateways.append(conftest.Gateway(folder, *words, **options))
                return gateways[-1]
            made[behind] = World(behind, start, folder)
        return made[behind]

    yield world
    for gateway in gateways:
        gateway.close()
    for one in made.values():
        one.engine.close()


@pytest.mark.parametrize("behind,caller,feature,stream", CELLS, ids=lambda value: (
    {True: "stream", False: "plain"}.get(value, value)))
def test_a_feature_goes_through_or_is_refused(worlds, behind, caller, feature, stream):
    sign = EXPECTED[behind, caller, feature]
    answer, asked = worlds(behind).ask(caller, feature, stream)
    seen[behind, caller, feature, stream] = what_happened(answer, asked)
    if sign == "-":
        assert not asked, "it was refused, and yet somebody was asked"
        judge_refusal(caller, answer)
        return
    assert answer.status == 200, answer.body
    [(dialect, _, headers, body)] = asked
    arrived = DIALECTS[dialect].arrived(body)
    assert arrived["text"] and arrived["system"], body
    assert arrived.get(feature, True) == (sign == "+"), body
    assert ("x-tampu-dropped" in answer.headers) == (sign == "~"), answer.headers
    judge_answer(caller, feature, stream, answer)
    judge_credential(behind, headers)
    if dialect == caller:
        judge_same_bytes(caller, feature, stream, body)


def what_happened(answer, asked):
    if answer.status != 200:
        return "-"
    return "~" if "x-tampu-dropped" in answer.headers else "+"


def judge_refusal(caller, answer):
    assert answer.status in (400, 404), (answer.status, answer.body)
    assert CALLERS[caller].words_of_error(json.loads(answer.body)), answer.body


def judge_answer(caller, feature, stream, answer):
    front = CALLERS[caller]
    said = (front.read_stream(answer.body.decode()) if stream
            else front.read_plain(json.loads(answer.body)))
    assert said.is_whole, answer.body
    assert said.usage == (PROMPT_TOKENS, ANSWER_TOKENS), answer.body
    assert said.thinking == (THINKING if feature == "reasoning" else ""), answer.body
    if feature in ("tools", "must-call"):
        assert said.calls == [(TOOL, ARGUMENTS)] and said.finish == "tool_calls", answer.body
    else:
        assert said.text == TEXT and not said.calls and said.finish == "stop", answer.body


def judge_credential(behind, headers):
    """Each provider finds its key where it looks for it, and nobody else sees one."""
    found = {name.lower() for name, value in headers.items() if KEY in value}
    assert found == {"cloud anthropic": {"x-api-key"}, "cloud gemini": {"x-goog-api-key"},
                     "cloud openai": {"authorization"},
                     "cloud openai-compatible": {"authorization"}}.get(behind, set()), headers


def judge_same_bytes(caller, feature, stream, body):
    """Same dialect on both sides: only the model's name, and what is fixed for the copy, differ."""
    asked = CALLERS[caller].ask(NAME, feature, stream)
    fixed = {"model", "stream_options"} | ({"options", "keep_alive", "stream"}
                                           if caller == "ollama" else set())
    assert ({k: v for k, v in body.items() if k not in fixed}
            == {k: v for k, v in asked.items() if k not in fixed})


@pytest.mark.parametrize("feature", ["image", "tools", "must-call"])
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("behind", [b for b in BEHIND if ENGINES.get(b, (1, 1))[1]])
def test_what_a_model_cannot_do_is_refused(worlds, behind, caller, feature):
    if EXPECTED[behind, caller, feature] == ".":
        pytest.skip("that dialect has no way to ask for it")
    answer, asked = worlds(behind).ask(caller, feature, False, PLAIN_NAME)
    assert not asked, asked
    judge_refusal(caller, answer)


def test_the_reference_is_what_judges_all_saw():
    if len(seen) < len(CELLS):
        pytest.skip("only some of the cells were run")
    text = page()
    if os.environ.get("TAMPU_WRITE_MATRIX"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text


def page():
    """docs/reference/matrix.md, from what was seen."""
    words = {"+": "yes", "~": "left out, named", "-": "refused", ".": ""}
    lines = ["# What goes through", "",
             "Generated by `make matrix` from a run of every cell, plain and streaming. Rows: the",
             "dialect that asks. Columns: who answers, with a model that can do it. \"left out,",
             "named\": the answer's `x-tampu-dropped` lists it."]
    for feature in dict.fromkeys(key[2] for key in EXPECTED):
        lines += ["", f"## {feature}", "", "| asked in | " + " | ".join(BEHIND) + " |",
                  "|---" * (len(BEHIND) + 1) + "|"]
        for caller in CALLERS:
            cells = []
            for behind in BEHIND:
                plain, stream = (words[seen.get((behind, caller, feature, s), ".")]
                                 for s in (False, True))
                cells.append(plain if plain == stream else f"{plain}; streaming: {stream}")
            lines.append(f"| {caller} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
