/* SPDX-License-Identifier: Apache-2.0 */
/* Text written piece by piece. */
#include "base/text_out.h"

#include "base/units.h"

void text_printf(struct text_out *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (t->error == 0)
        t->error = buf_vprintf(t->out, format, args);
    va_end(args);
}

void text_put(struct text_out *t, struct str s)
{
    if (t->error == 0)
        t->error = buf_put(t->out, s);
}

void text_repeat(struct text_out *t, const char *what, size_t times)
{
    while (times--)
        text_put(t, str_from(what));
}

void text_bytes(struct text_out *t, uint64_t bytes)
{
    if (t->error == 0)
        t->error = units_write_bytes(t->out, bytes);
}

void text_seconds(struct text_out *t, double seconds)
{
    unsigned long long s = (unsigned long long)(seconds + 0.5);

    if (seconds < 1)
        text_put(t, seconds > 0 ? STR("<1s") : STR("0s"));
    else if (s < 60)
        text_printf(t, "%llus", s);
    else if (s < 3600)
        text_printf(t, "%llum", (s + 30) / 60);
    else
        text_printf(t, "%lluh%02llum", s / 3600, s % 3600 / 60);
}

void text_html(struct text_out *t, struct str s)
{
    static const struct {
        char from;
        const char *to;
    } marks[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (size_t i = 0; i < s.len; i++) {
        const char *to = NULL;

        for (size_t k = 0; k < COUNT_OF(marks); k++)
            if (s.data[i] == marks[k].from)
                to = marks[k].to;
        text_put(t, to ? str_from(to) : str_slice(s.data + i, 1));
    }
}
