"""Stories: a dozen verbs, two levels of indentation, no variables, no loops.

    story a machine dies before the first token, and the caller never notices

    node a serves qwen3:8b
        on chat close
    node b serves qwen3:8b

    gateway
    client chat qwen3:8b "hi" streaming
        text "Hello"
        header x-tampu-attempts 2
    then
        counter failures_total{machine=a,failure=upstream_gone} 1

A test that needs a variable or a loop is a pytest function instead. No verb sleeps: what stands
under `then` is waited for. The words are explained in docs/internals/stories.md.
"""
import dataclasses
import json
import re
import signal
import ssl
import subprocess

from node import Node, Text
from world import PATIENCE, TAMPU, Client, Gateway, until, write_fleet

WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
ENDPOINTS = {"chat": "/v1/chat/completions", "complete": "/v1/completions",
             "embed": "/v1/embeddings"}
CONTENT = {"chat": "messages", "complete": "prompt", "embed": "input"}


class StoryError(Exception):
    """A story that is not right: says where."""


@dataclasses.dataclass
class Line:
    where: str
    words: list
    text: str       # as it stands there
    under: list


def split(text):
    """Words; quoted ones are Text, so that they are never keywords."""
    return [Text(m[1].replace('\\"', '"')) if m[2] is None else m[2] for m in WORD.finditer(text)]


def parse(text, name):
    """Return the top-level lines of a story, each with the lines under it."""
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip() or raw.strip().startswith("#"):
            continue
        line = Line(f"{name}:{number}", split(raw), raw.strip(), [])
        if not raw[0].isspace():
            lines.append(line)
        elif lines:
            lines[-1].under.append(line)
        else:
            raise StoryError(f"{line.where}: indented, but under nothing")
    return lines


def find(table, line, what):
    word = line.words[0]
    if word not in table:
        raise StoryError(f"{line.where}: no {what} '{word}' (have {', '.join(table)})")
    return table[word]


def play(text, name, folder):
    """Run each line of a story through the function its first word names."""
    world = World(folder)
    lines = [(find(VERBS, line, "verb"), line) for line in parse(text, name)]
    try:
        for verb, line in lines:
            try:
                verb(world, line)
            except (AssertionError, IndexError, KeyError, ValueError) as trouble:
                raise StoryError(f"{line.where}: {' '.join(line.words)}: {trouble!r}") from trouble
    finally:
        world.close()


class World:
    def __init__(self, folder):
        self.folder, self.nodes, self.models, self.slots = folder, {}, {}, {}
        self.clients, self.keys, self.gateway = {}, {}, None

    def close(self):
        for node in self.nodes.values():
            node.drop()
        for client in self.clients.values():
            client.leave()
        if self.gateway:
            self.gateway.close()


def story(world, line):
    """story TITLE: a sentence that a user might say."""


def node(world, line):
    """node NAME serves MODEL... [as KIND] [slots N] [over tls] [key REFERENCE] [at HOST]"""
    name, words = line.words[1], line.words[3:]
    options = {}
    while len(words) > 2 and words[-2] in ("as", "slots", "key", "over", "at"):
        value, option = words.pop(), words.pop()
        options[option] = value
    tls = certificate(world.folder) if "over" in options else None
    world.nodes[name] = made = Node(name, options.get("as", "ollama"), tls)
    made.key, made.host = options.get("key"), options.get("at", "127.0.0.1")
    world.models[name] = words
    if "slots" in options:
        world.slots[name] = int(options["slots"])
    for told in line.under:
        assert told.words[0] == "on", f"{told.where}: expected on chat|embed ..."
        made.scripts.setdefault(told.words[1], []).append(told.words[2:])


def gateway(world, line):
    """gateway: starts it; under it settings, env, and parts of the fleet file."""
    flags, extra, trusted = [], "", world.folder / "cert.pem"
    env = {"SSL_CERT_FILE": str(trusted)} if trusted.exists() else {}
    for row in line.under:
        if row.words[0] == "env":
            env[row.words[1]] = row.words[2]
        elif row.words[0].endswith(":"):
            extra += row.text + "\n"
        else:
            flags += ["--" + row.words[0].replace("_", "-"), " ".join(row.words[1:])]
    fleet = write_fleet(world.folder, world.nodes.values(), world.models, extra, world.slots)
    world.gateway = Gateway(world.folder, "serve", fleet, "--state", world.folder / "state",
                            "--log-level", "debug", "--health-interval", "1h", "--preload", "none",
                            *flags, env=env)
    for name, made in world.nodes.items():
        if made.host == "127.0.0.1":
            world.gateway.until_logged("engine_up", engine=f"{name}/{made.kind}")


def ask(world, words, under):
    """[chat|complete|embed] MODEL TEXT [streaming], or METHOD PATH; then `with` lines."""
    headers, method, body = {"content-type": "application/json"}, "POST", None
    if words[0].isupper():
        method, path = words[:2]
        headers = {}
    else:
        task, model, text = words[:3]
        path = ENDPOINTS[task]
        content = [{"role": "user", "content": text}] if task == "chat" else text
        body = {"model": model, CONTENT[task]: content}
        if words[3:] == ["streaming"]:
            body["stream"] = True
    for row in [r for r in under if r.words[0] == "with"]:
        what = row.words[1]
        if what == "header":
            headers[row.words[2].lower()] = " ".join(row.words[3:])
        elif what == "key":
            headers["authorization"] = "Bearer " + world.keys[row.words[2]]
        elif what == "body":
            body = row.words[2]
        elif what == "many":
            body["messages"] *= 20000
        else:
            body[what] = json.loads(row.text.split(None, 2)[2])
    return Client(world.gateway.address, method, path, body, headers)


def certificate(folder):
    """A TLS context with a new certificate for 127.0.0.1, trusted by the gateway of this story."""
    words = ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=node "
             "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem")
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def judge(client, under):
    for row in under:
        if row.words[0] != "with":
            find(EXPECTED, row, "expectation")(client, row)


def client_verb(world, line):
    """client chat MODEL TEXT [streaming] | client METHOD PATH: asks, and waits for the answer."""
    client = ask(world, line.words[1:], line.under).finish()
    judge(client, line.under)


def begin(world, line):
    """begin NAME chat ...: as client, but does not wait for the end; `saw` waits for a part."""
    world.clients[line.words[1]] = client = ask(world, line.words[2:], line.under)
    client.sent.wait(PATIENCE)
    judge(client, line.under)


def finish(world, line):
    """finish NAME: waits for the end of what was begun."""
    judge(world.clients[line.words[1]].finish(), line.under)


def leave(world, line):
    """leave NAME: that caller closes its connection."""
    world.clients[line.words[1]].leave()


def now(world, line):
    """now NODE go [N] | refuse | ignore | accept | plain_text"""
    world.nodes[line.words[1]].now(*line.words[2:])


def key(world, line):
    """key create NAME [operator] | key revoke NAME: with the command line, beside the gateway."""
    what, name, *role = line.words[1:]
    named = ["--name", name, *("--" + r for r in role)] if what == "create" else [name]
    done = subprocess.run([TAMPU, "key", what, *named, "--state", world.folder / "state"],
                          capture_output=True, text=True, timeout=PATIENCE, check=True)
    if what == "create":
        world.keys[name] = done.stdout.strip()
        world.gateway.bearer = {"authorization": "Bearer " + world.keys[name]}


def edit(world, line):
    """edit LINE: adds it to the fleet file."""
    with (world.folder / "fleet.yaml").open("a") as fleet:
        fleet.write(line.text.split(None, 1)[1] + "\n")


def signal_verb(world, line):
    """signal TERM | HUP"""
    world.gateway.signal(signal.Signals["SIG" + line.words[1]])


def then(world, line):
    """then: each line under it must come true within some seconds."""
    for row in line.under:
        check = find(TRUTHS, row, "fact")
        changed = world.gateway.changed
        until(lambda: check(world, row), f"{row.where}: {' '.join(row.words)}", changed)


def expect(found, wanted):
    assert found == wanted, f"found {found!r}, expected {wanted!r}"


def expect_header(client, row):
    found = client.headers.get(row.words[1])
    assert found is not None, f"no header {row.words[1]}"
    if len(row.words) > 2:
        expect(found, " ".join(row.words[2:]))


def expect_in(part, whole):
    assert part in whole, f"found {whole!r}, expected {part!r} in it"


EXPECTED = {
    "status": lambda c, row: expect(c.status, int(row.words[1])),
    "text": lambda c, row: expect(c.text, row.words[1]),
    "saw": lambda c, row: until(lambda: row.words[1] in c.text, "seen", c.changed),
    "header": expect_header,
    "error": lambda c, row: expect_in(row.words[1], json.dumps(c.error or c.body.decode())),
    "body": lambda c, row: expect_in(row.words[1], c.body.decode()),
    "empty": lambda c, row: expect(c.body, b""),
    "whole": lambda c, row: expect(c.body.endswith(b"data: [DONE]\n\n"), True),
    "unfinished": lambda c, row: expect((c.trouble, b"[DONE]" in c.body), (None, False)),
}


def counter_is(world, row):
    name, _, labels = row.words[1].rstrip("}").partition("{")
    labels = dict(pair.split("=", 1) for pair in labels.split(",") if pair)
    found = world.gateway.counter(name, labels)
    return found > 0 if row.words[2] == "some" else found == float(row.words[2])


def is_logged(world, row):
    return world.gateway.logged(row.words[1], **dict(w.split("=", 1) for w in row.words[2:]))


def of_node(world, row):
    """node NAME received N | told load|unload MODEL | got MEMBER VALUE | lacks MEMBER [VALUE] | given TEXT (as its answer's
    beginning) | left N | header NAME [VALUE] | probed PATH [N]"""
    made, what, wanted = world.nodes[row.words[1]], row.words[2], row.words[3:]
    last = made.received[-1] if made.received else {"body": None, "headers": {}}
    value = last["body"]
    if what == "received":
        return len(made.received) == int(wanted[0])
    if what == "given":
        said = (value or {}).get("messages") or [{}]
        return (said[-1].get("role"), said[-1].get("content")) == ("assistant", wanted[0])
    if what == "told":
        zero = [t.get("keep_alive") == 0 for t in made.told if t["model"] == wanted[1]]
        return (wanted[0] == "unload") in zero
    if what == "left":
        return made.left == int(wanted[0])
    if what == "probed":
        return made.probes.count(wanted[0]) >= int((wanted + ["1"])[1])
    if what == "header":
        return last["headers"].get(wanted[0]) == (wanted[1] if wanted[1:] else None)
    for member in wanted[0].split("."):
        value = value.get(member) if isinstance(value, dict) else None
    if what == "got":
        return str(value) == wanted[1]
    return str(value) != wanted[1] if wanted[1:] else value is None


def of_exit(world, row):
    return world.gateway.exit_status() == int(row.words[1])


def is_ready(world, _row):
    return world.gateway.get("/health/ready").status == 200


def is_closed(world, _row):
    return isinstance(world.gateway.get("/health/live").trouble, ConnectionRefusedError)


def of_key(world, row):
    """key NAME accepted | refused"""
    given = {"authorization": "Bearer " + world.keys[row.words[1]]}
    if row.words[2] == "refused":
        return world.gateway.get("/v1/models", **given).status == 401
    # A gateway that knows no keys lets in anybody, also with a wrong one.
    return (world.gateway.get("/v1/models", authorization="Bearer of-nobody").status == 401
            and world.gateway.get("/v1/models", **given).status == 200)


TRUTHS = {"counter": counter_is, "log": is_logged, "node": of_node, "exit": of_exit,
          "ready": is_ready, "closed": is_closed, "key": of_key}
VERBS = {"story": story, "node": node, "gateway": gateway, "client": client_verb, "begin": begin,
         "finish": finish, "leave": leave, "now": now, "key": key,
         "edit": edit, "signal": signal_verb, "then": then}
