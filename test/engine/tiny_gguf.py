#!/usr/bin/env python3
"""Write a tiny llama model that a real engine loads, with nothing but the standard library.

    test/engine/tiny_gguf.py OUT.gguf [hidden=64] [layers=2] [feed_forward=128] [heads=4]
                                      [context=2048] [seed=1]

Its weights are random numbers, so it says nothing sensible; but its tokenizer and chat
template work, every word it says is printable, and the same seed gives the same bytes.
About 800 KB: small enough for a test to make its own.

The file is GGUF version 3: a header, named settings, a table of tensors, then their data.
"""
import array
import random
import struct
import sys

ALIGNMENT = 32

# The value types of GGUF's settings, with the way each is packed.
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
PACKING = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}

# Token kinds, as SentencePiece numbers them.
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
SPACE = "\u2581"   # how SentencePiece writes the space before a word

WORDS = """
alpaca andes answer basket bean bell bird blanket bread bridge bring bronze brother brown
canyon caravan carry chain child city clay climb cloud coast cold condor copper corn cotton
count cross dawn day deep door dry dust early earth east evening eye family far feather
field find fire fish flute follow food foot garden gate give glad gold grain grass green
ground hand harvest heart herd high hill home horn hour house inn journey keep king knot
ladder lake land lead leave letter light llama long loom maize market meet message milk
mist moon morning mother mountain narrow near needle new night north old open pack path
peak plain plant pot potato quick quiet quinoa rain red rest rich ridge river road rock
roof room rope runner sack salt sand sea seed send shade shelter shepherd silver sing sister
sky slow small snow song south spring star station steep step stone store storm stream
strong summer sun table tell terrace thread tower trade traveller tree valley village wait
walk wall warm watch water way weave well west white wide wind winter wood wool word
""".split()

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


def vocabulary():
    """Return [(text, score, kind)]: specials, all bytes, characters, then pieces of words.

    The tokenizer joins neighbours into the piece with the highest score, so every prefix
    of a word must exist, and a longer one must score higher than a shorter one.
    """
    tokens = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    characters = [SPACE] + [chr(code) for code in range(ord("!"), ord("~") + 1)]
    tokens += [(c, -1000.0 - rank, NORMAL) for rank, c in enumerate(characters)]
    scores = {}
    for rank, word in enumerate(WORDS):
        for length in range(2, len(word) + 2):
            scores.setdefault((SPACE + word)[:length], 10.0 * length - 500.0 - 0.01 * rank)
    return tokens + [(piece, score, NORMAL) for piece, score in scores.items()]


def string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, content):
    return string(content) if kind == STRING else struct.pack(PACKING[kind], content)


def setting(key, kind, content):
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def list_setting(key, kind, items):
    head = struct.pack("<IIQ", ARRAY, kind, len(items))
    return string(key) + head + b"".join(value(kind, item) for item in items)


def settings(shape, tokens):
    """Return the packed settings: what the model is, and its whole tokenizer."""
    heads = shape["heads"]
    return [
        setting("general.architecture", STRING, "llama"),
        setting("general.name", STRING, "tiny-random"),
        setting("general.file_type", UINT32, 0),
        setting("llama.context_length", UINT32, shape["context"]),
        setting("llama.embedding_length", UINT32, shape["hidden"]),
        setting("llama.block_count", UINT32, shape["layers"]),
        setting("llama.feed_forward_length", UINT32, shape["feed_forward"]),
        setting("llama.attention.head_count", UINT32, heads),
        setting("llama.attention.head_count_kv", UINT32, heads),
        setting("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        setting("llama.rope.dimension_count", UINT32, shape["hidden"] // heads),
        setting("llama.vocab_size", UINT32, len(tokens)),
        setting("tokenizer.ggml.model", STRING, "llama"),
        setting("tokenizer.ggml.pre", STRING, "default"),
        list_setting("tokenizer.ggml.tokens", STRING, [text for text, _, _ in tokens]),
        list_setting("tokenizer.ggml.scores", FLOAT32, [score for _, score, _ in tokens]),
        list_setting("tokenizer.ggml.token_type", INT32, [kind for _, _, kind in tokens]),
        setting("tokenizer.ggml.bos_token_id", UINT32, 1),
        setting("tokenizer.ggml.eos_token_id", UINT32, 2),
        setting("tokenizer.ggml.unknown_token_id", UINT32, 0),
        setting("tokenizer.ggml.add_bos_token", BOOL, True),
        setting("tokenizer.ggml.add_eos_token", BOOL, False),
        setting("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def tensors(shape, tokens):
    """Yield (name, dimensions, floats) for every tensor, fastest dimension first."""
    rng = random.Random(shape["seed"])
    hidden, inner = shape["hidden"], shape["feed_forward"]

    def ones():
        return (hidden,), array.array("f", [1.0] * hidden)

    def matrix(columns, rows, spread):
        noise = (rng.gauss(0.0, spread) for _ in range(columns * rows))
        return (columns, rows), array.array("f", noise)

    yield "token_embd.weight", *matrix(hidden, len(tokens), 1.0)
    for layer in range(shape["layers"]):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", *ones()
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"{block}{part}.weight", *matrix(hidden, hidden, hidden**-0.5)
        yield block + "ffn_norm.weight", *ones()
        yield block + "ffn_gate.weight", *matrix(hidden, inner, hidden**-0.5)
        yield block + "ffn_up.weight", *matrix(hidden, inner, hidden**-0.5)
        yield block + "ffn_down.weight", *matrix(inner, hidden, inner**-0.5)
    yield "output_norm.weight", *ones()

    # A token whose row is zero always scores zero; only whole words get a row that can
    # win, so all that is ever said is words.
    words = {SPACE + word for word in WORDS}
    rows = array.array("f")
    for text, _, _ in tokens:
        spread = 6.0 * hidden**-0.5
        rows.extend(rng.gauss(0.0, spread) if text in words else 0.0 for _ in range(hidden))
    yield "output.weight", (hidden, len(tokens)), rows


def pad(raw):
    return raw + b"\0" * (-len(raw) % ALIGNMENT)


def build(**changes):
    """Return the bytes of a model of the given shape."""
    shape = dict(hidden=64, layers=2, feed_forward=128, heads=4, context=2048, seed=1)
    unknown = changes.keys() - shape.keys()
    if unknown:
        raise ValueError(f"no setting {sorted(unknown)[0]!r} (have {', '.join(shape)})")
    shape.update(changes)
    tokens = vocabulary()
    packed = settings(shape, tokens)
    table, data, count = b"", b"", 0
    for name, dimensions, floats in tensors(shape, tokens):
        table += string(name) + struct.pack("<I", len(dimensions))
        table += struct.pack(f"<{len(dimensions)}Q", *dimensions)
        table += struct.pack("<IQ", 0, len(data))   # 0: plain 32-bit floats
        data += pad(floats.tobytes())
        count += 1
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(packed))
    return pad(head + b"".join(packed) + table) + data


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    changes = dict(word.split("=", 1) for word in sys.argv[2:])
    model = build(**{key: int(number) for key, number in changes.items()})
    with open(sys.argv[1], "wb") as out:
        out.write(model)


if __name__ == "__main__":
    main()
