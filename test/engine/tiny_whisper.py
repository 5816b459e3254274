#!/usr/bin/env python3
"""Write a whisper model of random weights, small enough for tests: tiny_whisper.py OUT.bin

whisper.cpp's own format: numbers of the model, mel filters, words, then each tensor with its
name. What it hears is nonsense, but always the same nonsense for the same sound.
"""
import random
import struct
import sys

STATE, HEADS, LAYERS, MELS = 64, 2, 2, 80
VOCABULARY, WORDS = 51864, 50257        # English only; the rest are marks of time and the like
AUDIO, TEXT = 1500, 64                  # places: a window of sound is fixed, a text may be short
BINS = 201                              # of the Fourier transform
SPEAKABLE = "the of and to in is it you that he was for on are with as his they be at one".split()
MAGIC, F32, F16 = 0x67676d6c, 0, 1


class Writer:
    def __init__(self, file):
        self.file, self.chance = file, random.Random(7)
        self.pool = [self.chance.gauss(0, 1) for _ in range(1 << 16)]

    def numbers(self, *values):
        self.file.write(struct.pack(f"<{len(values)}i", *values))

    def header(self):
        self.numbers(MAGIC, VOCABULARY, AUDIO, STATE, HEADS, LAYERS, TEXT, STATE, HEADS, LAYERS,
                     MELS, F16)

    def filters(self):
        """Triangles, side by side."""
        self.numbers(MELS, BINS)
        for mel in range(MELS):
            middle = 1 + mel * (BINS - 2) / MELS
            self.file.write(struct.pack(f"<{BINS}f", *(max(0.0, 1 - abs(bin - middle) / 3) / 50
                                                       for bin in range(BINS))))

    def words(self):
        """One is a space alone: whisper.cpp looks for it by name."""
        self.numbers(WORDS)
        for number in range(WORDS):
            word = (" " if number == 220 else " " + SPEAKABLE[number % len(SPEAKABLE)]).encode()
            self.numbers(len(word))
            self.file.write(word)

    def tensor(self, name, shape, spread=None, fixed=0.0, kind=F32):
        """Random numbers of that spread, or the same number everywhere."""
        count = 1
        for n in shape:
            count *= n
        self.numbers(len(shape), len(name), kind, *shape)
        self.file.write(name.encode())
        start = self.chance.randrange(len(self.pool))
        values = ([fixed] * count if spread is None else
                  [self.pool[(start + i * 7) % len(self.pool)] * spread for i in range(count)])
        self.file.write(struct.pack(f"<{count}{'e' if kind == F16 else 'f'}", *values))

    def norm(self, name):
        self.tensor(f"{name}.weight", (STATE,), fixed=1.0)
        self.tensor(f"{name}.bias", (STATE,))

    def linear(self, name, inside, outside, has_bias=True):
        self.tensor(f"{name}.weight", (inside, outside), inside ** -0.5, kind=F16)
        if has_bias:
            self.tensor(f"{name}.bias", (outside,))

    def attention(self, name):
        self.norm(f"{name}_ln")
        for part in ("query", "key", "value", "out"):
            self.linear(f"{name}.{part}", STATE, STATE, has_bias=part != "key")

    def block(self, name, hears):
        self.norm(f"{name}.mlp_ln")
        self.linear(f"{name}.mlp.0", STATE, 4 * STATE)
        self.linear(f"{name}.mlp.2", 4 * STATE, STATE)
        self.attention(f"{name}.attn")
        if hears:
            self.attention(f"{name}.cross_attn")

    def encoder(self):
        self.tensor("encoder.positional_embedding", (STATE, AUDIO), 0.1)
        for name, channels in (("encoder.conv1", MELS), ("encoder.conv2", STATE)):
            self.tensor(f"{name}.weight", (3, channels, STATE), 0.1, kind=F16)
            self.tensor(f"{name}.bias", (1, STATE))
        self.norm("encoder.ln_post")
        for layer in range(LAYERS):
            self.block(f"encoder.blocks.{layer}", hears=False)

    def decoder(self):
        self.tensor("decoder.positional_embedding", (STATE, TEXT), 0.1)
        self.tensor("decoder.token_embedding.weight", (STATE, VOCABULARY), 0.5, kind=F16)
        self.norm("decoder.ln")
        for layer in range(LAYERS):
            self.block(f"decoder.blocks.{layer}", hears=True)


def main():
    with open(sys.argv[1], "wb") as file:
        writer = Writer(file)
        for part in (writer.header, writer.filters, writer.words, writer.encoder, writer.decoder):
            part()


if __name__ == "__main__":
    main()
