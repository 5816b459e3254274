/* SPDX-License-Identifier: Apache-2.0 */
/* Traces from files: Azure's columns, Mooncake's lines, tampu's own. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "sim/chance.h"
#include "sim/trace.h"
#include "wire/json.h"

enum { FILE_MAX = 256 << 20, BLOCK_TOKENS = 512, LINE_OUTPUT_MAX = 2000, KEYS = 12 };

struct lines {
    struct trace *trace;
    struct json_pool pool;
    double first_s;
    bool is_code; /* the file's name says so */
    uint64_t number;
};

typedef int line_fn(struct lines *l, struct str line);
static line_fn read_azure, read_mooncake, read_own;
static line_fn *kind_of(struct str first);
static int read_lines(struct lines *l, struct str text, const char *path, struct err *err);
static double read_clock_s(struct str text);
static uint32_t find_demand(struct str name);
static uint32_t number_of(struct str text);
static struct trace_row *add(struct lines *l, double at_s, uint32_t prompt, uint32_t output,
                             uint64_t session);

int trace_read(struct trace *ret, const char *path, struct err *err)
{
    struct trace t = {0};
    struct lines l = {.trace = &t, .is_code = strstr(path, "code") != NULL};
    struct buf text;
    int r;

    buf_init(&text, FILE_MAX);
    r = file_read(&text, path, err);
    if (r == 0)
        r = read_lines(&l, buf_str(&text), path, err);
    if (r == 0 && t.count == 0)
        r = err_set(err, -EINVAL, "%s: no requests in it", path);
    buf_fini(&text);
    json_pool_fini(&l.pool);
    if (r < 0) {
        trace_free(&t);
        return r;
    }
    trace_sort(&t);
    t.span_s = fmax(1, t.rows[t.count - 1].at_s);
    *ret = t;
    return 0;
}

static int read_lines(struct lines *l, struct str text, const char *path, struct err *err)
{
    line_fn *read = NULL;

    while (text.len && l->trace->count < TRACE_ROWS_MAX) {
        struct str line = str_trim(str_cut(text, '\n', &text));

        l->number++;
        if (line.len && line.data[line.len - 1] == '\r')
            line.len--;
        if (!line.len || line.data[0] == '#')
            continue;
        if (!read) {
            read = kind_of(line);
            if (read != read_mooncake)
                continue; /* the names of the columns */
        }
        if (read(l, line) < 0)
            return err_set(err, -EINVAL,
                           "%s:%llu: no request in it; expected the columns of Azure's traces, "
                           "Mooncake's JSON lines, or ms,name,prompt,output",
                           path, (unsigned long long)l->number);
    }
    return 0;
}

static line_fn *kind_of(struct str first)
{
    return first.data[0] == '{'                   ? read_mooncake
           : str_starts(first, STR("TIMESTAMP,")) ? read_azure
                                                  : read_own;
}

/* 2023-11-16 18:17:03.9799600,4808,10 */
static int read_azure(struct lines *l, struct str line)
{
    struct str rest, when = str_cut(line, ',', &rest), prompt = str_cut(rest, ',', &rest);
    double at_s = read_clock_s(when);

    if (at_s < 0 || !number_of(prompt) || !number_of(rest))
        return -EINVAL;
    if (!l->trace->count)
        l->first_s = at_s;
    add(l, fmod(at_s - l->first_s + 86400, 86400), number_of(prompt), number_of(rest), l->number);
    return 0;
}

/* {"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": [blocks of 512 tokens]} */
static int read_mooncake(struct lines *l, struct str line)
{
    yyjson_val *root, *ids, *id;
    uint32_t prompt, output, block = 0, count;
    struct trace_row *row;
    uint64_t chain = 0, session;
    size_t i, max;

    if (json_pool_read(&l->pool, line, &root) < 0)
        return -EINVAL;
    prompt = (uint32_t)json_find_u64(root, "input_length");
    output = (uint32_t)json_find_u64(root, "output_length");
    ids = json_find(root, "hash_ids");
    count = (uint32_t)yyjson_arr_size(ids);
    if (!prompt || !count)
        return -EINVAL;
    /* The first block is the same in all: the second tells conversations apart. */
    session = chance_mix(json_u64(yyjson_arr_get(ids, count > 1 ? 1 : 0)), 2);
    row = add(l, json_find_real(root, "timestamp") / 1e3, prompt, output, session);
    row->pieces_count = 0;
    l->trace->pieces_count = row->pieces;
    yyjson_arr_foreach(ids, i, max, id)
    {
        chain = chance_mix(chain, json_u64(id) + 1);
        block++;
        if (block == count || block % (1 + count / TRACE_PIECES_MAX) == 0)
            trace_add_piece(l->trace, row, chain, block == count ? prompt : block * BLOCK_TOKENS);
    }
    return 0;
}

/* ms,name,prompt,output and, for what was said before, chain:tokens in hexadecimal */
static int read_own(struct lines *l, struct str line)
{
    struct str rest, ms = str_cut(line, ',', &rest), name = str_cut(rest, ',', &rest);
    struct str prompt = str_cut(rest, ',', &rest), output = str_cut(rest, ',', &rest);
    uint32_t demand = find_demand(name);
    struct trace_row *row;

    if (!number_of(prompt))
        return -EINVAL;
    row = add(l, number_of(ms) / 1e3, number_of(prompt), number_of(output), l->number);
    if (demand < DEMANDS)
        row->demand = demand;
    if (!rest.len)
        return 0;
    row->pieces_count = 0;
    l->trace->pieces_count = row->pieces;
    while (rest.len) {
        struct str piece = str_cut(rest, ' ', &rest), tokens;
        struct str chain = str_cut(piece, ':', &tokens);

        trace_add_piece(l->trace, row, str_hash(chain), number_of(tokens));
        if (row->pieces_count == 2 || rest.len == 0)
            row->session = str_hash(chain);
    }
    return 0;
}

/* Seconds of its day; negative: it is none. */
static double read_clock_s(struct str text)
{
    struct str rest, hours, minutes;

    str_cut(text, ' ', &rest);
    hours = str_cut(rest, ':', &rest);
    minutes = str_cut(rest, ':', &rest);
    if (!hours.len || !minutes.len || !rest.len)
        return -1;
    return number_of(hours) * 3600.0 + number_of(minutes) * 60.0 + strtod(rest.data, NULL);
}

static uint32_t find_demand(struct str name)
{
    uint32_t i = 0;

    while (i < DEMANDS && !str_is(name, demands[i].name))
        i++;
    return i;
}

static uint32_t number_of(struct str text)
{
    uint64_t value;

    return str_to_u64(&value, text) == 0 && value < UINT32_MAX ? (uint32_t)value : 0;
}

static struct trace_row *add(struct lines *l, double at_s, uint32_t prompt, uint32_t output,
                             uint64_t session)
{
    struct trace_row *row = trace_add(
        l->trace,
        &(struct trace_row){.at_s = at_s,
                            .prompt_tokens = prompt,
                            .output_tokens = output < LINE_OUTPUT_MAX ? output : LINE_OUTPUT_MAX,
                            .session = session,
                            .key = (uint32_t)(chance_mix(session, 3) % KEYS),
                            .demand = trace_name(prompt, output, l->is_code, session)});

    trace_add_piece(l->trace, row, chance_mix(session, 4), prompt);
    return row;
}
