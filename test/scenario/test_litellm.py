"""A LiteLLM configuration becomes a fleet, every line of it judged; and back."""
import json
import pathlib
import subprocess

import pytest
import yaml
from node import Node
from servers import Server
from world import PATIENCE, TAMPU, write_fleet

CONFIG = pathlib.Path(__file__).parent / "litellm" / "config.yaml"


@pytest.fixture
def tampu(tmp_path):
    """tampu("word", ...): what it said, when it ended as expected."""
    def run(*words, status=0):
        done = subprocess.run([TAMPU, *map(str, words)], cwd=tmp_path, capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == status, done.stderr + done.stdout
        return done.stderr if status else done.stdout

    return run


@pytest.fixture
def imported(tampu):
    """The verdicts, and the fleet as YAML."""
    answer = json.loads(tampu("import", "litellm", CONFIG, "--json"))
    return answer, yaml.safe_load(answer["fleet"])


def by_path(answer, path):
    return [found["verdict"] for found in answer["findings"] if found["path"] == path]


def test_every_line_has_a_verdict(imported):
    answer, _ = imported
    judged = {found["line"] for found in answer["findings"]}
    lines = CONFIG.read_text().splitlines()
    wanted = {number for number, line in enumerate(lines, 1)
              if line.strip() and not line.lstrip().startswith("#")}
    assert judged == wanted
    assert sum(answer["counts"].values()) == len(answer["findings"])
    assert all(answer["counts"].values()), "each of the three verdicts was given"


def test_what_it_names_is_there(imported):
    answer, fleet = imported
    assert set(fleet["machines"]) == {"127.0.0.2", "127.0.0.3", "127.0.0.4"}
    first = fleet["machines"]["127.0.0.2"]["models"][0]
    assert first == {"pull": "qwen2.5:7b", "context": 8192, "slots": 2}
    assert fleet["machines"]["127.0.0.4"]["engines"] == [{"kind": "openai", "key": "env:VLLM_KEY"}]
    assert fleet["categories"]["qwen2.5-7b"] == {
        "needs": {"task": "general"}, "machines": "any", "models": ["qwen2.5:7b"],
        "cloud": ["openai/gpt-4o", "anthropic/claude-sonnet-4-6"]}
    # What a provider calls so would be found before a category of that name.
    assert fleet["aliases"]["gpt-4o"] == fleet["aliases"]["gpt-4"] == "gpt-4o+"
    assert fleet["aliases"]["hidden-coder"] == "qwen2.5-coder:32b"
    clouds = {cloud["name"]: cloud for cloud in fleet["cloud"]}
    assert (clouds["openai/gpt-4o"]["price_in"], clouds["openai/gpt-4o"]["price_out"]) == (2.5, 10)
    assert clouds["groq/llama-3.3-70b-versatile"]["url"] == "https://api.groq.com/openai"
    assert len([name for name in clouds if name.startswith("anthropic/")]) > 3, "the wildcard"
    assert fleet["gateway"]["attempts_max"] == "3" and fleet["gateway"]["total_timeout"] == "120s"
    assert by_path(answer, "router_settings.fallbacks[].embeddings[]") == ["unsupported"]
    assert by_path(answer, "model_list[].litellm_params.rpm") == ["approximate"] * 2


def test_no_secret_is_repeated(tampu):
    done = subprocess.run([TAMPU, "import", "litellm", CONFIG], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0 and "canary" in CONFIG.read_text()
    assert "canary" not in done.stdout + done.stderr
    assert "canary" not in tampu("import", "litellm", CONFIG, "--json")


def test_the_fleet_passes_check(tampu):
    verdicts = tampu("import", "litellm", CONFIG, "--to", "fleet.yaml")
    assert "unsupported" in verdicts
    found = json.loads(tampu("check", "fleet.yaml", "--json"))
    assert found["counts"]["error"] == 0
    assert "is there already" in tampu("import", "litellm", CONFIG, "--to", "fleet.yaml", status=1)


def test_there_and_back_it_is_the_same_fleet(tampu, tmp_path):
    fleet = tmp_path / "fleet.yaml"
    config = tmp_path / "back.yaml"
    fleet.write_text(tampu("import", "litellm", CONFIG))
    config.write_text(tampu("export", "litellm", fleet))
    again = json.loads(tampu("import", "litellm", config, "--json"))
    assert again["fleet"] == fleet.read_text()
    assert again["counts"]["unsupported"] == 0
    # What LiteLLM itself would read.
    back = yaml.safe_load(config.read_text())
    names = {entry["model_name"] for entry in back["model_list"]}
    assert {"qwen2.5-7b", "openai/gpt-4o", "nomic-embed-text"} <= names
    assert all(isinstance(entry["litellm_params"].get("input_cost_per_token", 0.0), float)
               for entry in back["model_list"])
    assert back["router_settings"]["num_retries"] == 2


def test_the_homelab_exports_and_comes_back(tampu, tmp_path):
    config = tmp_path / "homelab.yaml"
    config.write_text(tampu("export", "litellm",
                            pathlib.Path(__file__).parents[2] / "fleets" / "homelab.yaml"))
    again = json.loads(tampu("import", "litellm", config, "--json"))
    # Machines without an address are not in it, so aliases of what only they hold lead nowhere.
    assert all(found["path"].startswith("router_settings.model_group_alias.")
               for found in again["findings"] if found["verdict"] == "unsupported")
    fleet = yaml.safe_load(again["fleet"])
    assert fleet["machines"]["akshat-pc"]["engines"][0]["kind"] == "ollama"
    assert fleet["categories"]["l-code"]["needs"] == {"task": "code"}
    assert "xl-code" in fleet["aliases"], "of its copies only the provider's has an address"


ALIASED = """\
x-local: &local
  api_base: http://127.0.0.2:11434
  rpm: 60
x-more: &more {<<: *local, rpm: 30}
model_list:
  - model_name: qwen
    litellm_params: &qwen
      <<: *local
      model: ollama_chat/qwen2.5:7b
  - model_name: llama
    litellm_params:
      <<: [*more, {api_base: http://127.0.0.9:1}]
      model: ollama_chat/llama3.2:3b
  - model_name: twin
    litellm_params: *qwen
litellm_settings:
  fallbacks: &again [{qwen: [llama]}]
"""


class WrittenOut(yaml.SafeDumper):
    """Everything where it counts, no aliases."""

    def ignore_aliases(self, data):
        return True


def test_anchors_mean_what_they_mean_to_litellm(tampu, tmp_path):
    """The same fleet as from the file that PyYAML makes of it with nothing left to look up."""
    (tmp_path / "aliased.yaml").write_text(ALIASED)
    (tmp_path / "plain.yaml").write_text(yaml.dump(yaml.safe_load(ALIASED), Dumper=WrittenOut))
    aliased, plain = (json.loads(tampu("import", "litellm", name, "--json"))
                      for name in ("aliased.yaml", "plain.yaml"))
    fleets = [yaml.safe_load(answer["fleet"]) for answer in (aliased, plain)]
    assert fleets[0] == fleets[1]
    assert list(fleets[0]["machines"]) == ["127.0.0.2"]
    assert {found["line"] for found in aliased["findings"]} == set(range(1, 18))
    assert "unsupported" not in {found["verdict"] for found in aliased["findings"]
                                 if found["path"].startswith("x-")}


@pytest.mark.parametrize("text, words", [
    ("a: [", "1:"),
    ("machines: {}", "model_list"),
    ("model_list: *x", "1:13: found the alias 'x'"),
])
def test_what_is_none_is_refused_in_words(tampu, tmp_path, text, words):
    (tmp_path / "config.yaml").write_text(text)
    assert words in tampu("import", "litellm", "config.yaml", status=2)


@pytest.fixture
def books():
    """A PostgreSQL with the database of a LiteLLM proxy."""
    server = Server("postgresql")
    server.sql((CONFIG.parent / "database.sql").read_text())
    yield server
    server.close()


# Texts whose hashes are in that database, and what a gateway says to who asks for qwen3:8b by them.
TEXTS = {"sk-first-key-of-ana-0001": 200, "sk-second-key-of-bo-0002": 403,    # for other models
         "sk-blocked-key-of-c-0003": 401, "sk-plain-key-of-dee-0004": 200,
         "sk-first-key-of-ana-0002": 401, "litellm-dashboard": 401}


def test_keys_budgets_and_spend_come_over(books, start, nodes, tmp_path):
    """Into SQLite and into PostgreSQL, where both may share a database; twice adds nothing."""
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]})
    for state in (tmp_path / "state", books.url):
        for words in ("4 keys, 0 there already", "0 keys, 4 there already"):
            done = subprocess.run(
                [TAMPU, "import", "litellm", CONFIG, "--database",
                 books.url + "?schema=public&connection_limit=5", "--state", state],
                capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 0, done.stderr
            assert f"database: {words}, 1200 requests, $1.750000" in done.stderr
        listed = json.loads(subprocess.run([TAMPU, "key", "list", "--json", "--state", state],
                                           capture_output=True, timeout=PATIENCE).stdout)
        keys = {key["name"]: key for key in listed["keys"]}
        assert set(keys) == {"laptop", "phone", "tablet", "sk-...0004"}
        assert keys["tablet"]["state"] == "revoked" and keys["laptop"]["owner"] == "ana"
        assert keys["phone"]["expires"] == "2031-01-01T00:00:00Z"
        gateway = start("serve", fleet, "--state", tmp_path / "state", "--require-keys", "true",
                        *(["--store", state] if state == books.url else []))
        gateway.until_logged("engine_up")
        asked = {text: gateway.post("/v1/chat/completions", {"model": "qwen3:8b", "messages": []},
                                    authorization=f"Bearer {text}").status for text in TEXTS}
        assert asked == TEXTS
        gateway.close()
    assert books.sql("SELECT count(*), sum(money_micro) FROM tampu.exchanges "
                     "WHERE machine = 'litellm'") == "1201|1750000\n"
    rules = json.loads(books.sql("SELECT rules FROM tampu.keys WHERE name = 'laptop'"))
    assert rules == {"requests_per_minute": 60, "tokens_per_minute": 100000, "parallel": 4,
                     "money_per_month_micro": 10000000}


def test_a_database_without_its_tables_is_said(books, tmp_path):
    books.sql('DROP TABLE "LiteLLM_VerificationToken" CASCADE')
    done = subprocess.run([TAMPU, "import", "litellm", CONFIG, "--database", books.url, "--state",
                           tmp_path], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "no tables of LiteLLM's" in done.stderr
