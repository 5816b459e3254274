/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain main for the fuzz harnesses, where the compiler brings none.
 *
 *     build/fuzz/fuzz_sse test/fuzz/corpus/sse/...
 *
 * Feeds each file named on the command line as it is, then a bounded number of small
 * changes of it. The changes are the same at every run: a crash can be repeated.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES = 2000, INPUT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const uint8_t *data, size_t size);
static size_t change(uint8_t *data, size_t size);
static uint32_t next_random(void);

int main(int argc, char **argv)
{
    static uint8_t whole[INPUT_MAX], changed[INPUT_MAX + 1];

    feed(whole, 0);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rbe");

        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(whole, 1, sizeof whole, file);
        fclose(file);
        feed(whole, size);
        for (int n = 0; n < CHANGES; n++) {
            memcpy(changed, whole, size);
            feed(changed, change(changed, size));
        }
    }
    printf("%d inputs, %d changes of each: no crash\n", argc - 1, CHANGES);
    return 0;
}

/* In a block of its own size, so that the sanitizer sees one byte too far. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(1, size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* One to four times: flip a bit, put any byte, cut the end off, or say a byte twice. */
static size_t change(uint8_t *data, size_t size)
{
    for (uint32_t times = next_random() % 4 + 1; times && size; times--) {
        size_t at = next_random() % size;

        switch (next_random() % 4) {
        case 0:
            data[at] ^= (uint8_t)(1u << (next_random() % 8));
            break;
        case 1:
            data[at] = (uint8_t)next_random();
            break;
        case 2:
            size = at;
            break;
        default:
            if (size < INPUT_MAX)
                memmove(data + at + 1, data + at, size++ - at);
        }
    }
    return size;
}

/* xorshift; the seed never changes. */
static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}
