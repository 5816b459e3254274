"""Machines that die, hang, slow down and come back while callers of every dialect ask: one is always well.

    Chaos(gateway, seed).run(seconds)     what went wrong, in words; nothing may

The imagined models say the same to the same question wherever they live, so every answer can be compared with
what a quiet fleet said. Which faults fall where depends on the seed; how fast it goes does not.
"""
import collections
import http.client
import json
import random
import threading
import time

FLEET = """
fleet: chaos
machines:
  north: {hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}, engines: [{kind: ollama, slots: 4}],
          models: [{pull: "qwen2.5:7b", context: 8K}, {pull: "deepseek-r1:8b", context: 8K}]}
  east:  {hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}, engines: [{kind: ollama, slots: 4}],
          models: [{pull: "qwen2.5:7b", context: 8K}, {pull: "deepseek-r1:8b", context: 8K}]}
  south: {hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}, engines: [{kind: ollama, slots: 4}],
          models: [{pull: "qwen2.5:7b", context: 8K}, {pull: "deepseek-r1:8b", context: 8K}]}
  west:  {hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}, engines: [{kind: llama-server, slots: 4}],
          models: [{pull: "qwen2.5:7b", context: 8K}]}
"""
MACHINES = ("north", "east", "south", "west")
EVERYTHING = ("north", "east", "south")    # these hold both models
FLAGS = """--speed 20 --threads 2 --health-interval 200ms --health-timeout 1s --breaker-cooldown 200ms
    --breaker-cooldown-max 400ms --connect-timeout 1s --first-byte-timeout 3s --load-timeout 20s
    --idle-timeout 3s --attempts-max 8""".split()
MODELS = ("qwen2.5:7b", "deepseek-r1:8b")
FAULTS = ("die", "hang", "slow", "wedge", "cut", "error", "garbage", "flap")
SETTLED = 3.0      # seconds after which a machine that was revived counts as well
PATIENCE = 120     # for one answer
LENGTHS = (10, 40, 120)
PRIORITIES = ("batch", "normal", "interactive")


def openai(model, text, stream):
    return "/v1/chat/completions", {"model": model, "stream": stream, "messages": [
        {"role": "user", "content": text}]}


def ollama(model, text, stream):
    return "/api/chat", {"model": model, "stream": stream, "messages": [
        {"role": "user", "content": text}]}


def anthropic(model, text, stream):
    return "/v1/messages", {"model": model, "stream": stream, "max_tokens": 4000, "messages": [
        {"role": "user", "content": text}]}


def gemini(model, text, stream):
    what = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model}:{what}", {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def responses(model, text, stream):
    return "/v1/responses", {"model": model, "stream": stream, "input": text}


DIALECTS = (openai, ollama, anthropic, gemini, responses)
SAID = {
    openai: lambda e: "".join((c.get("delta") or c.get("message") or {}).get("content") or ""
                              for c in e.get("choices", [])),
    ollama: lambda e: e.get("message", {}).get("content", ""),
    anthropic: lambda e: e.get("delta", {}).get("text", "") + "".join(
        b.get("text", "") for b in e.get("content", []) if isinstance(b, dict)),
    gemini: lambda e: "".join(p.get("text", "") for c in e.get("candidates", [])
                              for p in c.get("content", {}).get("parts", []) if not p.get("thought")),
    responses: lambda e: e["delta"] if e.get("type") == "response.output_text.delta" else "".join(
        p.get("text", "") for item in e.get("output", []) if item["type"] == "message"
        for p in item["content"]),
}
ENDS = {openai: "[DONE]", ollama: '"done":true', anthropic: "message_stop", gemini: '"finishReason"',
        responses: "response.completed"}


class Answer:
    def __init__(self, dialect, status, headers, body, stream):
        self.status, self.headers, self.body = status, headers, body
        self.id = headers.get("x-tampu-request-id")
        lines = body.split("\n") if stream else [body]
        if stream and dialect is not ollama:
            lines = [line[6:] for line in lines if line.startswith("data: ")]
        events = [json.loads(line) for line in lines if line.strip() and line != "[DONE]"]
        self.failed = status != 200 or any("error" in e and e["error"] for e in events) or (
            stream and ENDS[dialect] not in body)
        self.text = "" if self.failed else "".join(map(SAID[dialect], events))


def clock():
    return f"{time.strftime('%X')}.{time.time_ns() // 10**6 % 1000:03d}"


def unexplained(why):
    """What a person who reads that decision would not understand; "" when all is said."""
    chosen = [c for c in why["candidates"] if c["rejected"] is None]
    if not why["candidates"] or not all(len(c["words"]) > 5 and c["machine"] for c in why["candidates"]):
        return "a candidate without words"
    if not all(t["outcome"] and t["machine"] and t["ms"] >= 0 for t in why["attempts"]):
        return "an attempt without its end"
    if why["failure"] != "none":
        return "" if why["words"] else "a failure without words"
    if len(chosen) != 1 or not why["attempts"] or chosen[0]["seconds"] is None:
        return "an answer, and nobody who was chosen for it"
    if why["attempts"][-1]["outcome"] not in ("answered", "stream_cut", "upstream_gone"):
        return "an answer from an attempt that failed"
    return ""


class Chaos:
    def __init__(self, address, seed):
        host, _, port = address.rpartition(":")
        self.address, self.seed = (host, int(port)), seed
        self.told, self.lock = {}, threading.Lock()
        self.count, self.troubles, self.faults = 0, [], collections.Counter()
        self.lately = collections.deque(maxlen=12)    # what befell machines
        self.explained, self.unexplained = collections.Counter(), []
        self.well_since = {m: 0.0 for m in MACHINES}

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            connection.request(method, path, body and json.dumps(body),
                               {"content-type": "application/json", **(headers or {})})
            got = connection.getresponse()
            return got.status, {k.lower(): v for k, v in got.getheaders()}, got.read().decode()
        finally:
            connection.close()

    def ask(self, dialect, model, text, stream=True, headers=None):
        path, body = dialect(model, text, stream)
        return Answer(dialect, *self.request("POST", path, body, headers), stream)

    def imagine(self, machine, what, **more):
        status, _, text = self.request("POST", "/imagine", {"machine": machine, "do": what, **more})
        assert status == 200, text
        with self.lock:
            self.well_since[machine] = time.monotonic() if what == "revive" else None
            self.faults[what] += 1
            self.lately.append(f"{clock()} {machine} {what}")

    def counter(self, name, part=""):
        _, _, text = self.request("GET", "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.split("\n")
                   if line.startswith(f"tampu_{name}") and part in line)

    def learn(self):
        """What a quiet fleet says."""
        for model in MODELS:
            for words in LENGTHS:
                answer = self.ask(openai, model, f"write {words} words")
                assert not answer.failed, answer.body
                self.told[model, words] = answer.text

    def check(self, dialect, model, words, stream, priority="normal"):
        """Ask once; what is wrong with the answer, in words."""
        answer = self.ask(dialect, model, f"write {words} words", stream, {"x-tampu-priority": priority})
        self.count += 1
        why = self.explain(answer.id)
        if answer.failed:
            tried = [(t["machine"], t["outcome"], t["ms"]) for t in why.get("attempts", [])]
            left = [(c["machine"], c["rejected"]) for c in why.get("candidates", [])]
            return (f"{dialect.__name__} stream={stream} {model}: {answer.status} {answer.body[-300:]} "
                    f"{answer.id} tried {tried} of {left}; before that {', '.join(self.lately)}")
        if answer.text != self.told[model, words]:
            return f"{dialect.__name__} stream={stream} {model}: {answer.text!r}, not {self.told[model, words]!r}"
        return None

    def explain(self, request):
        """Why, of a request that is over; what cannot be explained stands in .unexplained."""
        deadline = time.monotonic() + SETTLED    # the record is made an instant after the last byte
        while (found := self.request("GET", f"/admin/v1/why/{request}"))[0] == 404 and time.monotonic() < deadline:
            time.sleep(0.01)
        status, _, text = found
        why = json.loads(text) if status == 200 else {}
        trouble = unexplained(why) if why else f"no decision is kept: {status}"
        with self.lock:
            self.explained["no" if trouble else "yes"] += 1
            if trouble:
                self.unexplained.append(f"{request}: {trouble} {text}")
        return why

    def call(self, stop, seed):
        chance = random.Random(f"{self.seed} caller {seed}")
        while not stop.is_set():
            asked = (chance.choice(DIALECTS), chance.choice(MODELS), chance.choice(LENGTHS),
                     chance.random() < 0.7, chance.choice(PRIORITIES))
            try:
                trouble = self.check(*asked)
            except (OSError, http.client.HTTPException, ValueError) as error:
                trouble = f"{asked[0].__name__} {asked[1:]}: {error!r}"
            if trouble:
                self.troubles.append(f"at {clock()}: {trouble}")

    def may_fall_ill(self, machine):
        """Somebody who holds everything is well without it, and has been for a while."""
        now = time.monotonic()
        return any(self.well_since[m] is not None and now - self.well_since[m] > SETTLED
                   for m in EVERYTHING if m != machine)

    def hurt(self, chance, machine):
        what = chance.choice(FAULTS)
        if what == "flap":
            self.faults["flap"] += 1
            for _ in range(3):
                self.imagine(machine, "die")
                time.sleep(chance.uniform(0.05, 0.4))
                self.imagine(machine, "revive")
                time.sleep(chance.uniform(0.05, 0.4))
        elif what == "cut":
            self.imagine(machine, what, after_tokens=chance.randint(0, 90))
        elif what == "slow":
            self.imagine(machine, what, factor=chance.choice([3, 30]))
        else:
            self.imagine(machine, what)

    def trouble(self, stop):
        chance = random.Random(f"{self.seed} faults")
        while not stop.wait(chance.uniform(0.1, 0.7)):
            ill = [m for m in MACHINES if self.well_since[m] is None]
            if ill and (len(ill) >= 3 or chance.random() < 0.4):
                self.imagine(chance.choice(ill), "revive")
                continue
            well = [m for m in MACHINES if self.well_since[m] is not None and self.may_fall_ill(m)]
            if well:
                self.hurt(chance, chance.choice(well))

    def run(self, seconds, callers=8):
        """What went wrong."""
        stop = threading.Event()
        self.well_since = {m: time.monotonic() - SETTLED for m in MACHINES}
        threads = [threading.Thread(target=self.call, args=(stop, i), daemon=True) for i in range(callers)]
        threads.append(threading.Thread(target=self.trouble, args=(stop,), daemon=True))
        for thread in threads:
            thread.start()
        stop.wait(seconds)
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        self.troubles += [f"{t.name} had no answer" for t in threads if t.is_alive()]
        for machine in MACHINES:
            self.imagine(machine, "revive")
        return self.troubles
