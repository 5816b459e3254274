/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces: who asks for what, when. Made up by rules, or read from a file.
 *
 *     trace_make(&trace, "office", seed)  or  trace_read(&trace, path, &err);
 *     trace_scale(&trace, 0.3, seed);      so many of its conversations: fewer, or several on top
 * of each other
 *
 * Files: the columns of Azure's LLM inference traces (TIMESTAMP,ContextTokens,GeneratedTokens),
 * Mooncake's JSON lines (timestamp, input_length, output_length, hash_ids), and tampu's own
 * (ms,name,prompt,output[,chain:tokens …]). What has no name gets one by trace_name(). Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "route/affinity.h"

enum { TRACE_ROWS_MAX = 1 << 20, TRACE_PIECES_MAX = 48 };

/* What is asked for, as a row of the table of demand. */
struct demand_row {
    const char *name, *otherwise; /* a category; what a fleet without it is asked for instead */
    double share;                 /* of made-up requests */
    double prompt_median, prompt_sigma, output_median, output_sigma; /* tokens, log-normal */
    double turns;                                                    /* of a conversation, mean */
    double first_slo_s, token_slo_s; /* later, or slower, is no good answer */
};

enum { DEMANDS = 8 };
extern const struct demand_row demands[DEMANDS];

struct trace_row {
    double at_s;
    uint32_t demand; /* its row */
    uint32_t prompt_tokens, output_tokens;
    uint64_t session; /* requests of one conversation share it */
    uint32_t key;     /* who asks */
    uint32_t pieces, pieces_count;
};

struct trace {
    struct trace_row *rows;
    uint32_t count, room;
    struct prompt_piece *pieces;
    uint32_t pieces_count, pieces_room;
    double span_s;
};

/* One of trace_names; false: there is no such trace. */
bool trace_make(struct trace *ret, struct str name, uint64_t seed);
extern const char *const trace_names[];

/* 0; -EINVAL with file and line; -ENOENT and the like. */
MUST_USE int trace_read(struct trace *ret, const char *path, struct err *err);
void trace_free(struct trace *t);

/* Keeps conversations whole. times: how many for each there was. */
void trace_scale(struct trace *t, double times, uint64_t seed);

/* Which row of demand such a request is of, where the trace does not say: code when it is, or is
 * 4,096 tokens or longer (from 8,192 on the largest); else reasoning from 512 tokens of answer on;
 * else one in ten looks at an image, one in forty at a large one; short ones are fast. */
uint32_t trace_name(uint32_t prompt_tokens, uint32_t output_tokens, bool is_code, uint64_t session);

/* Sorted by time afterwards. A piece's tokens are counted from the beginning. */
struct trace_row *trace_add(struct trace *t, const struct trace_row *row);
void trace_add_piece(struct trace *t, struct trace_row *row, uint64_t chain, uint32_t tokens);
void trace_sort(struct trace *t);
