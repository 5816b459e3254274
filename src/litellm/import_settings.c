/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that have a counterpart: the same meaning in our words. */
#include <stdlib.h>

#include "config/settings.h"
#include "litellm/import_inside.h"

static void read_section(struct import *in, const char *section);
static void read_setting(struct import *in, const struct yaml *y);
static struct str convert(struct import *in, enum litellm_reading reading, struct str text);
static void read_slots(struct import *in, const struct yaml *general);

/* The router's word counts before the library's. */
void import_settings(struct import *in)
{
    const struct yaml *general = yaml_find(in->root, "general_settings");

    read_section(in, "router_settings");
    read_section(in, "litellm_settings");
    read_section(in, "general_settings");
    if (general)
        read_slots(in, general);
}

static void read_section(struct import *in, const char *section)
{
    const struct yaml *map = yaml_find(in->root, section);

    for (const struct yaml *at = map ? map->first : NULL; at && !in->error; at = at->next)
        read_setting(in, at);
}

static void read_setting(struct import *in, const struct yaml *y)
{
    const struct litellm_key_row *row = judgement_row(in->judgement, y);
    struct import_setting *s = in->settings;
    struct settings tried;
    struct str value, key;
    struct err err;

    if (!row || !row->setting || yaml_is_null(y))
        return;
    while (s && strcmp(s->key, row->setting) != 0)
        s = s->next;
    value = s ? STR("") : convert(in, row->reading, import_value(in, y));
    if (s) {
        judgement_say(in->judgement, y, VERDICT_unsupported, "%s is set by a line before it",
                      row->setting);
        return;
    }
    key = import_text(in, "gateway.%s", row->setting);
    settings_init(&tried);
    if (!value.len || settings_set(&tried, key, value, NULL, &err) < 0) {
        judgement_say(in->judgement, y, VERDICT_unsupported, "%s cannot be that: %s", row->setting,
                      value.len ? err.text : "its value is not understood");
        return;
    }
    if (!(s = import_new(in, sizeof *s)))
        return;
    s->key = row->setting;
    s->value = value;
    IMPORT_APPEND(in->settings, s);
}

/* Empty: not such a value. */
static struct str convert(struct import *in, enum litellm_reading reading, struct str text)
{
    double number;
    char *end;

    if (reading == READING_inverted)
        return str_equal_nocase(text, STR("true"))    ? STR("false")
               : str_equal_nocase(text, STR("false")) ? STR("true")
                                                      : STR("");
    if (!text.len)
        return STR("");
    number = strtod(text.data, &end);
    if (*end || !(number >= 0) || number > 1e9)
        return STR("");
    switch (reading) {
    case READING_seconds:
        return number < 1e6 && number == (double)(uint64_t)number
                   ? import_text(in, "%.0fs", number)
                   : import_text(in, "%.0fms", number * 1000);
    case READING_plus_one:
        return import_text(in, "%.0f", number + 1);
    case READING_mebibytes:
        return import_text(in, "%.0f MiB", number);
    default:
        return text;
    }
}

/* Of one deployment each: what says nothing of its own gets it. */
static void read_slots(struct import *in, const struct yaml *general)
{
    const struct yaml *y = yaml_find(general, "max_parallel_requests");
    uint64_t slots;

    if (!y || yaml_is_null(y))
        return;
    if (str_to_u64(&slots, y->text) < 0 || slots == 0 || slots > 1024) {
        judgement_say(in->judgement, y, VERDICT_unsupported, "expected 1 to 1024");
        return;
    }
    for (struct import_machine *m = in->machines; m; m = m->next)
        for (struct import_model *at = m->models; at; at = at->next)
            at->slots = at->slots ? at->slots : slots;
}
