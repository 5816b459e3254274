/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the catalog's files. Each row: key, kind, where it goes, what it means. */
#include "model/catalog_keys.h"

#include <stddef.h>

#include "model/catalog.h"

#define WORDS(list) .words = list, .word_count = COUNT_OF(list)
#define FILE_SECTION(table, text) \
    { \
        .name = text, .help = "One file of the catalog.", .size = sizeof(struct catalog), \
        .place_offset = NO_PLACE, .rows = table, .row_count = COUNT_OF(table) \
    }
#define SECTION(type, text, table) \
    { \
        .name = text, .help = "", .size = sizeof(type), .place_offset = offsetof(type, at), \
        .rows = table, .row_count = COUNT_OF(table) \
    }

static const char *const hardware_words[] = {"gpu", "unified", "cpu", "npu"};

static const struct schema_row geometry_rows[] = {
    {"layers", SCHEMA_number, AT(struct geometry, layers), .required = true},
    {"kv_layers", SCHEMA_number, AT(struct geometry, kv_layers)},
    {"window_layers", SCHEMA_number, AT(struct geometry, window_layers)},
    {"window", SCHEMA_number, AT(struct geometry, window)},
    {"window_kv_heads", SCHEMA_number, AT(struct geometry, window_kv_heads)},
    {"window_key_length", SCHEMA_number, AT(struct geometry, window_key_length)},
    {"window_value_length", SCHEMA_number, AT(struct geometry, window_value_length)},
    {"hidden", SCHEMA_number, AT(struct geometry, hidden), .required = true},
    {"feed_forward", SCHEMA_number, AT(struct geometry, feed_forward)},
    {"heads", SCHEMA_number, AT(struct geometry, heads), .required = true},
    {"kv_heads", SCHEMA_number, AT(struct geometry, kv_heads), .required = true},
    {"key_length", SCHEMA_number, AT(struct geometry, key_length), .required = true},
    {"value_length", SCHEMA_number, AT(struct geometry, value_length), .required = true},
    {"vocabulary", SCHEMA_number, AT(struct geometry, vocabulary)},
    {"experts", SCHEMA_number, AT(struct geometry, experts)},
    {"experts_used", SCHEMA_number, AT(struct geometry, experts_used)},
};
static const struct schema_section geometry_section =
    SECTION(struct geometry, "geometry", geometry_rows);

static const struct schema_row artifact_rows[] = {
    {"tag", SCHEMA_name, AT(struct artifact, tag), .required = true},
    {"also", SCHEMA_texts, AT_COUNTED(struct artifact, also)},
    {"mistaken", SCHEMA_texts, AT_COUNTED(struct artifact, mistaken)},
    {"quant", SCHEMA_name, AT(struct artifact, quant), .required = true},
    {"size", SCHEMA_bytes, AT(struct artifact, bytes), .required = true},
    {"rounded", SCHEMA_flag, AT(struct artifact, is_rounded)},
    {"projector", SCHEMA_bytes, AT(struct artifact, projector_bytes)},
    {"context", SCHEMA_tokens, AT(struct artifact, context)},
    {"files", SCHEMA_texts, AT_COUNTED(struct artifact, files)},
    {"note", SCHEMA_text, AT(struct artifact, note)},
};
static const struct schema_section artifact_section =
    SECTION(struct artifact, "artifact", artifact_rows);

static const struct schema_row refused_rows[] = {
    {"engine", SCHEMA_choice, AT(struct model, refused_by), .required = true, WORDS(engine_words)},
    {"since", SCHEMA_text, AT(struct model, refused_since), .required = true},
};
static const struct schema_section refused_section = {
    .name = "refused",
    .size = sizeof(struct model),
    .place_offset = NO_PLACE,
    .rows = refused_rows,
    .row_count = COUNT_OF(refused_rows),
};

static const struct schema_row model_rows[] = {
    {"NAME", SCHEMA_name, AT(struct model, name)},
    {"family", SCHEMA_name, AT(struct model, family), .required = true},
    {"engines", SCHEMA_set, AT(struct model, engines), .required = true, WORDS(engine_words)},
    {"params", SCHEMA_count, AT(struct model, params), .required = true},
    {"active", SCHEMA_count, AT(struct model, active_params)},
    {"geometry", SCHEMA_section, AT(struct model, geometry), .section = &geometry_section},
    {"context", SCHEMA_tokens, AT(struct model, context), .required = true},
    {"capabilities", SCHEMA_set, AT(struct model, capabilities), .required = true,
     WORDS(capability_words)},
    {"tasks", SCHEMA_set, AT(struct model, purposes), .required = true, WORDS(purpose_words)},
    {"working", SCHEMA_bytes, AT(struct model, working_bytes)},
    {"dimensions", SCHEMA_number, AT(struct model, dimensions)},
    {"languages", SCHEMA_texts, AT_COUNTED(struct model, languages)},
    {"pixels", SCHEMA_count, AT(struct model, pixels)},
    {"one_slot", SCHEMA_flag, AT(struct model, one_slot)},
    {"refused", SCHEMA_section, .offset = 0, .section = &refused_section},
    {"replace_by", SCHEMA_texts, AT_COUNTED(struct model, replace_by)},
    {"licence", SCHEMA_text, AT(struct model, licence)},
    {"source", SCHEMA_text, AT(struct model, source), .required = true},
    {"note", SCHEMA_text, AT(struct model, note)},
    {"artifacts", SCHEMA_list, AT_COUNTED(struct model, artifacts), .required = true,
     .section = &artifact_section},
};
static const struct schema_section model_section = SECTION(struct model, "model", model_rows);

static const struct schema_row hardware_rows[] = {
    {"NAME", SCHEMA_name, AT(struct hardware_facts, name)},
    {"match", SCHEMA_texts, AT_COUNTED(struct hardware_facts, match), .required = true},
    {"kind", SCHEMA_choice, AT(struct hardware_facts, kind), .required = true,
     WORDS(hardware_words)},
    {"memory", SCHEMA_memory, AT(struct hardware_facts, memory_bytes)},
    {"share", SCHEMA_real, AT(struct hardware_facts, usable_share)},
    {"default_share", SCHEMA_real, AT(struct hardware_facts, default_share)},
    {"bandwidth", SCHEMA_real, AT(struct hardware_facts, bandwidth_gbs), .required = true},
    {"efficiency", SCHEMA_real, AT(struct hardware_facts, efficiency), .required = true},
    {"moe_efficiency", SCHEMA_real, AT(struct hardware_facts, moe_efficiency)},
    {"prefill", SCHEMA_real, AT(struct hardware_facts, prefill_tflops), .required = true},
    {"max_tps", SCHEMA_real, AT(struct hardware_facts, tps_max)},
    {"cpu_efficiency", SCHEMA_real, AT(struct hardware_facts, cpu_efficiency)},
    {"cpu_prefill", SCHEMA_real, AT(struct hardware_facts, cpu_prefill_tflops)},
    {"source", SCHEMA_text, AT(struct hardware_facts, source), .required = true},
};
static const struct schema_section hardware_section =
    SECTION(struct hardware_facts, "hardware", hardware_rows);

static const struct schema_row cloud_rows[] = {
    {"NAME", SCHEMA_name, AT(struct cloud_facts, id)},
    {"provider", SCHEMA_choice, AT(struct cloud_facts, provider), .required = true,
     WORDS(provider_words)},
    {"also", SCHEMA_texts, AT_COUNTED(struct cloud_facts, also)},
    {"mistaken", SCHEMA_texts, AT_COUNTED(struct cloud_facts, mistaken)},
    {"price_in", SCHEMA_money, AT(struct cloud_facts, price_in_micro),
     .said = offsetof(struct cloud_facts, has_price)},
    {"price_out", SCHEMA_money, AT(struct cloud_facts, price_out_micro),
     .said = offsetof(struct cloud_facts, has_price)},
    {"price_cached", SCHEMA_money, AT(struct cloud_facts, price_cached_micro)},
    {"context", SCHEMA_tokens, AT(struct cloud_facts, context)},
    {"output_max", SCHEMA_tokens, AT(struct cloud_facts, output_max)},
    {"capabilities", SCHEMA_set, AT(struct cloud_facts, capabilities), WORDS(capability_words)},
    {"tasks", SCHEMA_set, AT(struct cloud_facts, purposes), WORDS(purpose_words)},
    {"retired", SCHEMA_date, AT(struct cloud_facts, retired)},
    {"replace_by", SCHEMA_texts, AT_COUNTED(struct cloud_facts, replace_by)},
    {"source", SCHEMA_text, AT(struct cloud_facts, source), .required = true},
};
static const struct schema_section cloud_section =
    SECTION(struct cloud_facts, "cloud model", cloud_rows);

static const struct schema_row models_file_rows[] = {
    {"models", SCHEMA_map, AT_COUNTED(struct catalog, models), .required = true,
     .section = &model_section},
};
static const struct schema_row hardware_file_rows[] = {
    {"hardware", SCHEMA_map, AT_COUNTED(struct catalog, hardware), .required = true,
     .section = &hardware_section},
};
static const struct schema_row cloud_file_rows[] = {
    {"cloud", SCHEMA_map, AT_COUNTED(struct catalog, cloud), .required = true,
     .section = &cloud_section},
    {"checked", SCHEMA_date, AT(struct catalog, day)},
};
const struct schema_section catalog_models_section = FILE_SECTION(models_file_rows, "models file");
const struct schema_section catalog_hardware_section =
    FILE_SECTION(hardware_file_rows, "hardware file");
const struct schema_section catalog_cloud_section = FILE_SECTION(cloud_file_rows, "cloud file");
