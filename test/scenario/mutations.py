"""Changes to a fleet file, each with what a lint must say about it: one code at one line, or nothing.

The file is read as lines: what stands where is found by words, and no part of the program is asked.
"""
import dataclasses
import random
import re

MODEL = re.compile(r'\s*- \{pull: "?(?P<pull>[^",}]+)"?, name: (?P<name>[^,}]+)(?P<rest>.*)\}')

# What the tests know of models, from the document that the catalog was made from.
BLIND = ["qwen2.5:7b", "qwen2.5:14b", "llama3.2:3b", "mistral:7b", "deepseek-r1:8b"]
UNLOADABLE = {"qwen3-vl:8b": ("llama3.2-vision:11b", "M-LOC-FRE-llama3.2-vision-11b-q4"),
              "qwen3-vl:32b": ("llama3.2-vision:90b", "XL-LOC-FRE-llama3.2-vision-90b-q4")}


@dataclasses.dataclass
class Line:
    """A model of a machine."""
    number: int
    machine: str
    pull: str
    name: str
    rest: str


@dataclasses.dataclass
class Change:
    what: str
    text: str
    code: str = ""
    line: int = 0


class Sheet:
    """The lines of a fleet file, and where its parts are. Lines are counted from 1."""

    def __init__(self, text):
        self.lines = text.splitlines()
        self.models, self.machines, self.categories = [], {}, {}
        part = owner = None
        for number, line in enumerate(self.lines, 1):
            if top := re.match(r"(\w+):", line):
                part = top[1]
            elif name := re.match(r"  ([\w-]+):", line):
                owner = name[1]
                if part in ("machines", "categories"):
                    getattr(self, part)[owner] = [number, number]
            elif part in ("machines", "categories") and line.strip():
                getattr(self, part)[owner][1] = number
            model = MODEL.match(line)
            if part == "machines" and model:
                self.models.append(Line(number, owner, model["pull"], model["name"], model["rest"]))

    def at(self, number):
        return self.lines[number - 1]

    def find(self, pattern, within=None):
        """Numbers of the lines with that pattern, in the whole file or from a line to another."""
        first, last = within or (1, len(self.lines))
        return [n for n in range(first, last + 1) if re.search(pattern, self.at(n))]

    def one(self, pattern, within=None):
        return self.find(pattern, within)[0]

    def edit(self, number, new, further=None):
        """The file with that line changed; further: other lines, by number; None drops a line."""
        changed = {number: new, **(further or {})}
        kept = [changed.get(n, line) for n, line in enumerate(self.lines, 1)]
        return "\n".join(line for line in kept if line is not None) + "\n"

    def swap(self, number, old, new, further=None):
        assert old in self.at(number), (number, old)
        return self.edit(number, self.at(number).replace(old, new, 1), further)

    def add(self, after, *new):
        return "\n".join(self.lines[:after] + list(new) + self.lines[after:]) + "\n"

    def kept(self, machine):
        return self.one("keep_loaded:", self.machines[machine])

    def is_kept(self, model):
        return f"{model.pull}" in re.findall(r'[^\[\], "]+', self.at(self.kept(model.machine)))

    def is_named_twice(self, model):
        """Other machines have the same name, so that aliases and categories still lead somewhere."""
        return sum(other.name == model.name for other in self.models) > 1


def harm(sheet):
    """Every change that is wrong, by code."""
    for make in (unknown_artifact, wrong_engine, engine_cannot_load, does_not_fit, wrong_modality,
                 hollow_backup, missing_copy, not_interchangeable, unknown_setting, retired_model,
                 name_mismatch, duplicate_name, address_unknown, unknown_hardware, implausible,
                 single_point):
        yield from make(sheet)


def unknown_artifact(s):
    for m in s.models:
        if ":" not in m.pull or s.is_kept(m) or f'models: ["{m.pull}"]' in "\n".join(s.lines):
            continue
        family, tag = m.pull.split(":")
        for wrong in (m.pull + "-q9_Z", m.pull + "x", f"{family}:{tag[0]}{tag}"):
            yield Change(f"{m.machine}: {m.pull} → {wrong}", s.swap(m.number, m.pull, wrong),
                         "unknown-artifact", m.number)
    for n in s.find("provider: (openai|anthropic|gemini)"):
        yield Change("a cloud model nobody knows", re_edit(s, n, r"model: [^,]+", "model: no-such-1"),
                     "unknown-artifact", n)


def wrong_engine(s):
    for m in s.models:
        if "engine:" in m.rest:
            wrong = re.sub(r", engine: [\w-]+", ", engine: ollama", s.at(m.number))
            yield Change(f"{m.machine}: {m.pull} on ollama", s.edit(m.number, wrong),
                         "wrong-engine", m.number)
    for machine in s.machines:
        for number in s.find("models:", s.machines[machine]):
            yield Change(f"{machine}: images by ollama",
                         s.add(number, "      - {pull: sdxl, name: S-LOC-FRE-sdxl, engine: ollama}"),
                         "wrong-engine", number + 1)
    for n in s.find("provider: anthropic"):
        yield Change("a model at the wrong provider", s.swap(n, "anthropic", "openai"),
                     "wrong-engine", n)


def engine_cannot_load(s):
    for m in s.models:
        if m.pull in UNLOADABLE and s.is_named_twice(m) and not s.is_kept(m):
            pull, name = UNLOADABLE[m.pull]
            line = s.at(m.number).replace(m.pull, pull).replace(m.name, name)
            yield Change(f"{m.machine}: {pull}", s.edit(m.number, line), "engine-cannot-load",
                         m.number)
    for machine in ("akshat-pc", "mac-mini-m4-pro", "gtr9-pro", "ser9", "ms01", "borgcube"):
        number = s.one("models:", s.machines[machine])
        yield Change(f"{machine}: one more that does not load", s.add(
            number, '      - {pull: "llama3.2-vision:11b", name: M-LOC-FRE-llama3.2-vision-11b-q4}'),
            "engine-cannot-load", number + 1)


def does_not_fit(s):
    for machine in ("old-office-pc", "ser9", "atomman-x7-ti", "mac-mini-m4-pro", "borgcube", "ms01",
                    "retromac"):
        number = s.one("models:", s.machines[machine])
        for pull, name in (("llama3.1:70b", "XL-LOC-FRE-llama3.1-70b"),
                           ("gpt-oss:120b", "XL-LOC-FRE-gpt-oss-120b"),
                           ("qwen2.5:72b", "XL-LOC-FRE-qwen2.5-72b")):
            yield Change(f"{machine}: {pull}", s.add(
                number, f'      - {{pull: "{pull}", name: {name}, context: 4K}}'),
                "does-not-fit", number + 1)
    for machine, disk in (("old-office-pc", 30), ("gtr9-pro", 100), ("ser9", 10), ("ms01", 12)):
        number = s.one("hardware:", s.machines[machine])
        yield Change(f"{machine}: a disk of {disk} GB", s.edit(number, re.sub(
            r"assume: \{(.*)disk: [^}]+\}", rf"disk: {disk} GB, assume: {{\1}}",
            s.at(number)).replace(", assume: {}", "").replace(", }", "}")), "does-not-fit", number)
    for m in s.models:
        if m.pull == "llama3.1:70b" and "OLLAMA_NUM_PARALLEL: 2" in s.at(s.one(
                "OLLAMA_NUM_PARALLEL", s.machines[m.machine])):
            yield Change(f"{m.machine}: {m.pull} at 2 × 128K", s.swap(m.number, "16K", "128K"),
                         "does-not-fit", m.number)
    for machine, more in (("gtr9-pro", '"llama3.1:70b"'), ("evo-x2", '"qwen2.5:72b"'),
                          ("mac-mini-m4-pro", '"qwen2.5:14b"')):
        number = s.kept(machine)
        yield Change(f"{machine}: {more} is kept loaded, too", s.swap(number, "[", f"[{more}, "),
                     "does-not-fit", number)
    for machine, ram in (("ser9", 12), ("atomman-x7-ti", 12)):
        number = s.one("hardware:", s.machines[machine])
        victim = next(m for m in s.models if m.machine == machine and m.pull == "qwen2.5:14b")
        yield Change(f"{machine}: {ram} GB", s.swap(number, "ram: 32 GB", f"ram: {ram} GB"),
                     "does-not-fit", victim.number)


def wrong_modality(s):
    for m in s.models:
        if m.pull in BLIND:
            for task in ("vision", "embedding", "image"):
                yield Change(f"{m.machine}: {m.pull} for {task}", s.edit(
                    m.number, s.at(m.number)[:-1] + f", task: {task}}}"), "wrong-modality", m.number)


def hollow_backup(s):
    lacking = {"xl-code": ["ser9", "borgcube", "old-office-pc", "mac-mini-m4-pro"],
               "xl-vision": ["gtr9-pro", "ser9", "mac-mini-m4-pro"],
               "l-code": ["gtr9-pro", "retromac", "borgcube"],
               "m-vision": ["ser9", "borgcube", "gtr9-pro"],
               "reasoning": ["ser9", "borgcube"], "general": ["retromac", "borgcube"],
               "transcribe": ["evo-x2", "ser9"], "image": ["gtr9-pro", "ser9"],
               "video": ["mac-mini-m4-pro", "evo-x2"]}
    for category, machines in lacking.items():
        number = s.one("backups:", s.categories[category])
        for machine in machines:
            yield Change(f"{category} counts on {machine}", s.swap(number, "]", f", {machine}]"),
                         "hollow-backup", number)
    for category, machine, floor in (("l-code", "old-office-pc", 40), ("general", "ser9", 10),
                                     ("m-vision", "mac-mini-m4-pro", 90), ("xl-vision", "evo-x2", 20)):
        first, last = s.categories[category]
        yield Change(f"{category}: {machine} is too slow", s.edit(
            s.one("backups:", (first, last)), f"    backups: [{machine}]",
            {s.one("floor_tps", (first, last)): f"    floor_tps: {floor}"}),
            "hollow-backup", s.one("backups:", (first, last)))


def missing_copy(s):
    for m in s.models:
        if m.pull == "nomic-embed-text":
            number = s.kept(m.machine)
            kept = s.at(number).replace(", nomic-embed-text", "").replace("nomic-embed-text, ", "")
            where = s.one("models:", s.machines[m.machine])
            if "bge-m3" not in "\n".join(s.lines[slice(*s.machines[m.machine])]):
                yield Change(f"{m.machine}: no embeddings", s.edit(m.number, None, {number: kept}),
                             "missing-copy", where)


def not_interchangeable(s):
    others = (("bge-m3", "XS-LOC-FRE-bge-m3"), ("mxbai-embed-large", "XS-LOC-FRE-mxbai-embed-large"),
              ("granite-embedding:30m", "XS-LOC-FRE-granite-embedding-30m"))
    for m in s.models:
        if m.pull == "nomic-embed-text" and m.machine not in ("gtr9-pro", "evo-x2"):
            number = s.kept(m.machine)
            for pull, name in others:
                line = f'      - {{pull: "{pull}", name: {name}}}'
                yield Change(f"{m.machine}: {pull} alone", s.edit(
                    m.number, line, {number: s.at(number).replace("nomic-embed-text", f'"{pull}"')}),
                    "not-interchangeable", m.number)
    number = s.one("machines: all")
    yield Change("embeddings in the cloud", s.add(number, "    cloud: [S-CLD-PAY-gpt-4o-mini]"),
                 "not-interchangeable", number + 1)


def unknown_setting(s):
    mistakes = (("OLLAMA_CONTEXT_LENGTH", "OLLAMA_CTX"), ("OLLAMA_NUM_PARALLEL", "OLLAMA_PARALLEL"),
                ("OLLAMA_FLASH_ATTENTION", "OLLAMA_FLASH_ATENTION"),
                ("OLLAMA_MAX_LOADED_MODELS", "OLLAMA_MAX_MODELS"), ("OLLAMA_HOST", "OLLAMA_HOSTS"))
    for right, wrong in mistakes:
        for n in s.find(right + ":"):
            yield Change(f"line {n}: {wrong}", s.swap(n, right, wrong), "unknown-setting", n)


def retired_model(s):
    for n in s.find("provider: openai"):
        yield Change("o1", re_edit(s, n, r"model: [^,]+", "model: o1"), "retired-model", n)
    for n in s.find("provider: gemini"):
        yield Change("gemini 2.0", re_edit(s, n, r"model: [^,]+", "model: gemini-2.0-flash"),
                     "retired-model", n)
    for n in s.find("provider: anthropic"):
        yield Change("the file says that it is gone", s.edit(
            n, s.at(n).rstrip("}") + ", retired: 2026-01-31}"), "retired-model", n)


def name_mismatch(s):
    for m in s.models:
        if not s.is_named_twice(m):
            continue
        size, tail = m.name.split("-", 1)
        wrong = {"XS": "L", "S": "XL", "M": "S", "L": "S", "XL": "M"}[size]
        yield Change(f"{m.machine}: {wrong}-{tail}", s.swap(m.number, m.name, f"{wrong}-{tail}"),
                     "name-mismatch", m.number)
        if re.search(r"-\d+b$", m.name):
            odd = re.sub(r"-\d+b$", "-500b", m.name)
            yield Change(f"{m.machine}: {odd}", s.swap(m.number, m.name, odd), "name-mismatch",
                         m.number)
        yield Change(f"{m.machine}: in the cloud by name", s.swap(m.number, "-LOC-", "-CLD-"),
                     "name-mismatch", m.number)
    for n in s.find("name: [A-Z]+-CLD"):
        if "opus" in s.at(n) or "sonnet" in s.at(n):
            old = re.search(r"name: ([^,]+)", s.at(n))[1]
            new = old.replace("CLD", "LOC")
            users = {u: s.at(u).replace(old, new) for u in s.find(r"cloud: \[.*" + re.escape(old))}
            yield Change("a cloud model that says LOC", s.swap(n, old, new, users), "name-mismatch", n)


def duplicate_name(s):
    for m in s.models:
        if s.is_named_twice(m) and re.search(r"\d+b$", m.name):
            yield Change(f"{m.machine}: {m.name}-here", s.swap(m.number, m.name, m.name + "-here"),
                         "duplicate-name", m.number)
    for m in s.models:
        same = [o for o in s.models if o.machine == m.machine and o.number < m.number
                and o.name.split("-")[0] == m.name.split("-")[0] and o.pull != m.pull]
        if same and s.is_named_twice(m) and "engine" not in m.rest + same[0].rest:
            yield Change(f"{m.machine}: {m.pull} and {same[0].pull} under one name",
                         s.swap(m.number, m.name, same[0].name), "duplicate-name", m.number)


def address_unknown(s):
    number = s.one("addresses:", s.machines["akshat-pc"])
    first = s.machines["akshat-pc"][0]
    yield Change("addresses: {}", s.edit(number, "    addresses: {}"), "address-unknown", number)
    yield Change("no addresses", s.edit(number, None), "address-unknown", first)


def unknown_hardware(s):
    for machine in ("akshat-pc", "old-office-pc"):
        number = s.one("hardware:", s.machines[machine])
        for gpu in ("Voodoo 2", "RTX 9990"):
            yield Change(f"{machine}: a {gpu}", re_edit(s, number, "gpu: [^,]+", f"gpu: {gpu}"),
                         "unknown-hardware", number)
    for machine in ("ser9", "borgcube", "retromac"):
        number = s.one("hardware:", s.machines[machine])
        yield Change(f"{machine}: memory not known", re_edit(
            s, number, r"ram: \d+ GB", "ram: unknown"), "unknown-hardware", number)


def implausible(s):
    for n in s.find(r"tps: [\d.]+-[\d.]+"):
        low, high = map(float, re.search(r" tps: ([\d.]+)-([\d.]+)", s.at(n)).groups())
        for factor in (2, 3, 8):
            yield Change(f"line {n}: {factor} times as fast", re_edit(
                s, n, r" tps: [\d.]+-[\d.]+", f" tps: {low * factor:g}-{high * factor:g}"),
                "implausible-speed", n)
    n = s.one("storage:")
    for claim in ("2-3 TB", "100-200 GB", "1-1.5 TB", "300 GB", "10-20 GB"):
        yield Change(f"storage {claim}", re_edit(s, n, r"storage: .*", f"storage: {claim}"),
                     "implausible-size", n)
    n = s.one("setup_time:")
    for claim in ("10-20 m", "1-2 h", "30 h", "2 days", "1 h"):
        yield Change(f"set up in {claim}", re_edit(s, n, r"setup_time: .*", f"setup_time: {claim}"),
                     "implausible-duration", n)


def single_point(s):
    for category in ("transcribe", "image", "video"):
        number = s.one("backups:", s.categories[category])
        yield Change(f"{category} has no backup", s.edit(number, None), "single-point-of-failure",
                     s.categories[category][0])
    for category in ("xl-code", "xl-vision", "l-code", "m-vision", "reasoning", "general"):
        number, cloud = (s.one(k, s.categories[category]) for k in ("backups:", "cloud:"))
        yield Change(f"{category} has no backup and no cloud", s.edit(number, None, {cloud: None}),
                     "single-point-of-failure", s.categories[category][0])
    number = s.one("backups:", s.categories["video"])
    further = {n: s.at(n) + "\n    domain: shelf" for m in ("akshat-pc", "ms-s1")
               for n in s.find("tier:", s.machines[m])}
    yield Change("video on one shelf", s.edit(number, s.at(number), further),
                 "single-point-of-failure", number + 2)


def re_edit(s, number, pattern, new):
    return s.edit(number, re.sub(pattern, new, s.at(number), count=1))


def harmless(sheet, count, seed=1):
    """So many changes that change nothing that matters, drawn from every kind."""
    chance = random.Random(seed)
    for i in range(count):
        yield KINDS[i % len(KINDS)](sheet, chance)


def a_comment(s, chance):
    n = chance.randrange(1, len(s.lines))
    return Change(f"a comment after line {n}", s.add(n, "# 'whatever': {is: said} here"))


def a_blank_line(s, chance):
    n = chance.randrange(1, len(s.lines))
    return Change(f"a blank line after line {n}", s.add(n, ""))


def a_comment_behind(s, chance):
    n = chance.choice([n for n in range(1, len(s.lines) + 1) if s.at(n).strip()
                       and not s.at(n).lstrip().startswith("#")])
    return Change(f"a comment behind line {n}", s.edit(n, s.at(n) + "   # so it is"))


def another_order(s, chance):
    m = chance.choice(s.models)
    keys = re.findall(r'\w+: (?:"[^"]*"|[^,}]+)', s.at(m.number))
    chance.shuffle(keys)
    return Change(f"line {m.number}: other order of keys",
                  s.edit(m.number, "      - {" + ", ".join(keys) + "}"))


def another_style(s, chance):
    m = chance.choice(s.models)
    keys = re.findall(r'\w+: (?:"[^"]*"|[^,}]+)', s.at(m.number))
    return Change(f"line {m.number}: a block instead of braces",
                  s.edit(m.number, "      - " + "\n        ".join(keys)))


def other_quotes(s, chance):
    m = chance.choice(s.models)
    line = s.at(m.number)
    for old, new in chance.choice([[('"', "'")], [(f"name: {m.name}", f'name: "{m.name}"')]]):
        line = line.replace(old, new)
    return Change(f"line {m.number}: other quotes", s.edit(m.number, line))


UNITS = [("32 GB", "32GB"), ("32 GB", "32 GiB"), ("32 GB", "32768 MiB"), ("128 GB", "131072 MB"),
         ("192 GB", "192GiB"), ("16 GB", "16384MB"), ("110 GiB", "112640 MiB"), ("500 GB", "0.5 TB"),
         ("1 TB", "1000 GB"), ("250 GB", "0.25TB"), ("context: 16K", "context: 16384"),
         ("context: 8K", "context: 8192"), ("context: 32K", "context: 32768"),
         ("context: 2048", "context: 2K"), ("300 Mbit/s", "0.3 Gbit/s"), ("1 Gbit/s", "1000 Mbit/s"),
         ("70B+", "70 B+"), ("3-6 h", "180-360 m"), ("750-900 GB", "0.75-0.9 TB"),
         ("3-8B", "3B-8B"), ("context: 200000", "context: 200K")]


def other_units(s, chance):
    old, new = chance.choice([u for u in UNITS if u[0] in "\n".join(s.lines)])
    n = chance.choice(s.find(re.escape(old)))
    return Change(f"line {n}: {old} → {new}", s.swap(n, old, new))


FITTING = [("llama3.2:1b", "XS-LOC-FRE-llama3.2-1b"), ("tinyllama:1.1b", "XS-LOC-FRE-tinyllama-1.1b"),
           ("phi:2.7b", "XS-LOC-FRE-phi-2-2.7b")]


def one_more_model(s, chance):
    free = [(name, *fit) for name in ("gtr9-pro", "evo-x2", "ms-s1", "ser9", "atomman-x7-ti",
                                      "borgcube", "old-office-pc")
            for fit in FITTING]
    machine, pull, name = chance.choice(free)
    n = s.one("models:", s.machines[machine])
    return Change(f"{machine}: {pull}", s.add(
        n, f'      - {{pull: "{pull}", name: {name}, context: 2K}}'))


def other_words(s, chance):
    n = chance.choice(s.find(r"^    (role|title): "))
    return Change(f"line {n}: other words", s.edit(n, re.sub(r": .*", ': "words; {of} no: matter"',
                                                             s.at(n), count=1)))


def a_note(s, chance):
    m = chance.choice([m for m in s.models if "note:" not in m.rest])
    return Change(f"line {m.number}: a note", s.edit(
        m.number, s.at(m.number)[:-1] + ', note: "70b-q4, if OLLAMA_CTX allows"}'))


def more_memory(s, chance):
    n = chance.choice(s.find(r"ram: \d+ GB"))
    return Change(f"line {n}: more memory", s.edit(n, re.sub(
        r"ram: (\d+) GB", lambda m: f"ram: {int(m[1]) * 2} GB", s.at(n), count=1)))


def more_disk(s, chance):
    n = chance.choice(s.find(r"disk: \d+ [GT]B"))
    return Change(f"line {n}: more disk", s.edit(n, re.sub(
        r"disk: (\d+) ([GT])B", lambda m: f"disk: {int(m[1]) * 3} {m[2]}B", s.at(n), count=1)))


def an_alias(s, chance):
    m = chance.choice(s.models)
    n = s.one("^aliases:")
    return Change(f"an alias of {m.name}", s.add(n, f"  nickname-{m.number}: {m.name}"))


def another_spelling(s, chance):
    m = chance.choice([m for m in s.models if ":" in m.pull and not s.is_kept(m)
                       and f'["{m.pull}"]' not in "\n".join(s.lines)])
    new = chance.choice(["library/" + m.pull, m.pull.upper().replace("Q2", "q2")])
    return Change(f"{m.machine}: {new}", s.swap(m.number, m.pull, new))


def less_context(s, chance):
    m = chance.choice([m for m in s.models if "context: 16K" in m.rest])
    return Change(f"line {m.number}: less context", s.swap(m.number, "16K", "12K"))


def backups_the_other_way(s, chance):
    n = chance.choice(s.find(r"backups: \[.*,.*\]"))
    names = re.search(r"\[(.*)\]", s.at(n))[1].split(", ")
    chance.shuffle(names)
    return Change(f"line {n}: backups in another order",
                  s.edit(n, f"    backups: [{', '.join(names)}]"))


def somebody_elses_variable(s, chance):
    n = chance.choice(s.find("OLLAMA_HOST:"))
    new = chance.choice(["HSA_OVERRIDE_GFX_VERSION: 11.5.1", "CUDA_VISIBLE_DEVICES: 0", "HOME: /srv",
                         "OLLAMA_DEBUG: 1", "OLLAMA_KEEP_ALIVE: 30m", "OLLAMA_MAX_QUEUE: 64"])
    return Change(f"line {n}: {new}", s.swap(n, "OLLAMA_HOST:", f"{new}, OLLAMA_HOST:"))


def a_place_to_wake(s, chance):
    n = chance.choice(s.find(r"^    tier: "))
    new = chance.choice(["wake: 02:00:5e:10:00:01", "ssh: me@there", "domain: a-shelf-of-its-own"])
    return Change(f"line {n}: {new}", s.add(n, "    " + new))


def a_modest_claim(s, chance):
    n = chance.choice(s.find(r" tps: [\d.]+-[\d.]+"))
    low, high = map(float, re.search(r" tps: ([\d.]+)-([\d.]+)", s.at(n)).groups())
    return Change(f"line {n}: slower", re_edit(s, n, r" tps: [\d.]+-[\d.]+",
                                               f" tps: {low * 0.8:g}-{high * 0.8:g}"))


def another_port(s, chance):
    n = chance.choice(s.find(r"kind: ollama, slots"))
    return Change(f"line {n}: another port", s.swap(n, "kind: ollama,", "kind: ollama, port: 11999,"))


KINDS = [a_comment, a_blank_line, a_comment_behind, another_order, another_style, other_quotes,
         other_units, one_more_model, other_words, a_note, more_memory, more_disk, an_alias,
         another_spelling, less_context, backups_the_other_way, somebody_elses_variable,
         a_place_to_wake, a_modest_claim, another_port]
