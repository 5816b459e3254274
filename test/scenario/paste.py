"""What a person does with the fix of a finding: puts it where it belongs in a fleet file.

A fix is keys for the entry at the finding's line, a new entry for a machine's models, or "remove
this entry"; behind " # " may stand where a second part goes.
"""
import re

PAIR = re.compile(r'([\w-]+|"[^"]*"): ((?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^,\[{"])+)(?:, |$)')


def paste(text, finding):
    lines = text.splitlines()
    number = int(finding["where"].split(":")[-2]) - 1
    fix, _, second = finding["fix"].partition(" # ")
    if finding["fix"].startswith("# remove"):
        lines[number] = "# " + lines[number]
    elif fix.startswith("- {"):
        add_model(lines, model_owner(finding, second), fix)
    else:
        set_keys(lines, number, fix)
    if "in category" in second:
        name, keys = re.match(r"and in category (\S+): (.*)", second).groups()
        set_keys(lines, find(lines, rf"^  {name}:") + 1, keys, within="needs")
    elif "in engines" in second:
        add_engine(lines, finding["machine"], second.split("in engines: ")[1])
    elif second.startswith("and there "):
        machine = re.search(r"backups: \[([\w-]+)\]", fix)[1]
        add_model(lines, machine, second.removeprefix("and there "))
    return "\n".join(lines) + "\n"


def find(lines, pattern, start=0):
    return next(n for n in range(start, len(lines)) if re.search(pattern, lines[n]))


def model_owner(finding, second):
    there = re.match(r"in models of ([\w-]+)", second)
    return there[1] if there else finding["machine"]


def add_model(lines, machine, entry):
    at = find(lines, r"^    models:", find(lines, rf"^  {machine}:"))
    lines.insert(at + 1, "      " + entry)


def add_engine(lines, machine, entry):
    at = find(lines, r"^    engines:", find(lines, rf"^  {machine}:"))
    if lines[at].rstrip().endswith("]"):
        lines[at] = lines[at].rstrip()[:-1] + f", {entry}]"
    else:
        end = find(lines, r"^ {0,4}\S", at + 1)
        lines.insert(end, "      - " + entry)


def set_keys(lines, number, fix, within=None):
    """Into the braces that stand in the line, or as lines of the block that it belongs to."""
    fix = fix.strip()
    pairs = PAIR.findall(fix[1:-1] if fix.startswith("{") else fix)
    assert pairs, fix
    for key, value in pairs:
        set_key(lines, number, key, value.strip(), within)


def set_key(lines, number, key, value, within):
    line = lines[number]
    indent = re.match(r" *(- )?", line)[0]
    if within and not re.search(rf"{within}: \{{", line):
        number = find(lines, rf"{within}: \{{", number)
        line = lines[number]
    there = re.search(rf'(?<![\w-]){key}: (\[[^\]]*\]|\{{[^}}]*\}}|"[^"]*"|[^,}}\[{{\n#]+)', line)
    if there:
        lines[number] = line[:there.start(1)] + value + line[there.end(1):]
    elif line.rstrip().endswith("}"):
        lines[number] = line.rstrip()[:-1].rstrip() + (", " if "{}" not in line else "") + f"{key}: {value}}}"
    elif re.match(r"\s*OLLAMA_", line):
        lines[number] = indent + f"{key}: {value}"
    else:
        below = line.rstrip().endswith(":")
        lines.insert(number + 1, " " * (len(indent) + 2 * below) + f"{key}: {value}")
