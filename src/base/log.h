/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: one JSON object a line, fields in the given order.
 *
 *     log_event(EVENT_engine_down, now_us, (struct log_field[]){
 *         LOG_STR("machine", m->name), LOG_U64("after_ms", 5000), LOG_END});
 *     → {"time":"2026-11-23T10:21:07.123456Z","level":"warning","event":"engine_down",
 *        "message":"an engine does not answer","machine":"gtr9-pro","after_ms":5000}
 *
 * Only cmd, gateway, apply, sim, web and notify log; everything lower returns. Never a secret,
 * never a prompt. Thread-safe; one write per line batch: lines are kept in a buffer per thread
 * until log_flush() (a loop calls it once a turn) or until it is full. Warnings and errors are
 * flushed at once.
 */
#pragma once

#include "base/str.h"

enum log_level { LOG_debug, LOG_info, LOG_warning, LOG_error };

enum event {
#define EVENT(name, level, words) EVENT_##name,
#include "tables/log_events.def"
    EVENT_COUNT
};

enum log_kind { LOG_KIND_end, LOG_KIND_str, LOG_KIND_u64, LOG_KIND_i64, LOG_KIND_ms };

struct log_field {
    struct str name;
    enum log_kind kind;
    struct str text;
    int64_t number;
};

#define LOG_STR(field, value) \
    { \
        .name = STR(field), .kind = LOG_KIND_str, .text = (value) \
    }
#define LOG_U64(field, value) \
    { \
        .name = STR(field), .kind = LOG_KIND_u64, .number = (int64_t)(value) \
    }
#define LOG_I64(field, value) \
    { \
        .name = STR(field), .kind = LOG_KIND_i64, .number = (value) \
    }
/* microseconds in, milliseconds with three decimals out */
#define LOG_MS(field, us) \
    { \
        .name = STR(field), .kind = LOG_KIND_ms, .number = (int64_t)(us) \
    }
#define LOG_END \
    { \
        .kind = LOG_KIND_end \
    }

/* fd: where lines go (2 for stderr); below `least` nothing is written. Before any thread starts. */
void log_open(int fd, enum log_level least);
bool log_wants(enum event e);
void log_event(enum event e, int64_t now_us, const struct log_field *fields);
void log_flush(void);
