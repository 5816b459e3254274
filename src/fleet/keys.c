/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a fleet file. Each row: key, kind, where it goes, what it means. */
#include "fleet/keys.h"

#include <stddef.h>

#include "fleet/fleet.h"

static void read_keep_loaded(struct schema_reader *rd, const struct yaml *y, void *field);

#define SECTION(type, text, table, ...) \
    { \
        .name = text, .size = sizeof(type), .place_offset = offsetof(type, at), .rows = table, \
        .row_count = COUNT_OF(table), __VA_ARGS__ \
    }
#define WORDS(list) .words = list, .word_count = COUNT_OF(list)

static const char *const os_words[] = {"linux", "macos|darwin", "windows"};
static const char *const compute_words[] = {"any", "gpu", "npu", "cpu"};
static const char *const machines_words[] = {"listed", "any", "all"};

static const struct schema_row assume_rows[] = {
    {"ram", SCHEMA_memory_range, AT(struct hardware, assume_ram),
     .help = "RAM to plan with while it is unknown; of a range the low end counts."},
    {"disk", SCHEMA_bytes_range, AT(struct hardware, assume_disk),
     .help = "Disk to plan with while it is unknown."},
};
static const struct schema_section assume_section = {
    .name = "assume",
    .help = "What is taken for true until it is known.",
    .size = sizeof(struct hardware),
    .place_offset = NO_PLACE,
    .is_short = true,
    .rows = assume_rows,
    .row_count = COUNT_OF(assume_rows),
};

static const struct schema_row hardware_rows[] = {
    {"cpu", SCHEMA_text, AT(struct hardware, cpu), .help = "Processor, by its name."},
    {"gpu", SCHEMA_text, AT(struct hardware, gpu),
     .help = "Graphics card; one inside the processor is known from `cpu`."},
    {"npu", SCHEMA_text, AT(struct hardware, npu), .help = "Neural processor."},
    {"ram", SCHEMA_memory, AT(struct hardware, ram_bytes),
     .help = "Main memory, or `unknown` with `assume`."},
    {"gpu_memory", SCHEMA_memory, AT(struct hardware, gpu_memory_bytes),
     .help =
         "What engines may use of the GPU's memory, where it is not what the catalog says: "
         "for a GPU that lives in RAM and is to use more of it than the system gives by itself, "
         "for instance: `tampu apply` writes that to the machine where it has `ssh:` (Linux "
         "with an AMD GPU, macOS)."},
    {"gpu_bandwidth", SCHEMA_real, AT(struct hardware, gpu_gbs),
     .help = "GB/s of a GPU's memory, where the catalog does not know the GPU; `gpu_memory` must "
             "be there, too."},
    {"gpu_tflops", SCHEMA_real, AT(struct hardware, gpu_tflops),
     .help = "10^12 operations a second that such a GPU reaches when it reads a prompt."},
    {"disk", SCHEMA_bytes, AT(struct hardware, disk_bytes),
     .help = "Room for models, or `unknown` with `assume`."},
    {"disk_rate", SCHEMA_rate, AT(struct hardware, disk_rate_bits),
     .help = "How fast that disk reads."},
    {"watts", SCHEMA_number, AT(struct hardware, watts), .max = 100000,
     .help =
         "What the machine draws from the wall while it answers: `tampu usage` counts energy by "
         "it, as if each request had the machine for itself."},
    {"unknown", SCHEMA_texts, AT_COUNTED(struct hardware, unknown),
     .help = "Parts that are not known yet."},
    {"assume", SCHEMA_section, .offset = 0, .section = &assume_section,
     .help = "What to plan with meanwhile."},
};
static const struct schema_section hardware_section =
    SECTION(struct hardware, "hardware", hardware_rows, .help = "What is in the box.");

static const struct schema_row addresses_rows[] = {
    {"lan", SCHEMA_name, AT(struct addresses, lan), .help = "Address in the local network."},
    {"tailscale", SCHEMA_name, AT(struct addresses, tailscale), .help = "Address in the tailnet."},
    {"hostname", SCHEMA_name, AT(struct addresses, hostname), .help = "Name to look up."},
};
static const struct schema_section addresses_section =
    SECTION(struct addresses, "addresses", addresses_rows, .is_short = true,
            .help = "Where the machine is reached, tried in this order; absent: not yet known.");

static const struct schema_row engine_rows[] = {
    {"kind", SCHEMA_choice, AT(struct fleet_engine, kind), .required = true, WORDS(engine_words),
     .help = "What kind of server it is."},
    {"name", SCHEMA_name, AT(struct fleet_engine, name),
     .help = "Its name on this machine; the kind, unless a machine has two of one kind."},
    {"port", SCHEMA_number, AT(struct fleet_engine, port), .min = 1, .max = 65535,
     .help = "Where it listens; each kind has a usual one."},
    {"slots", SCHEMA_number, AT(struct fleet_engine, slots), .min = 1, .max = 1024,
     .help = "Requests it works on at once, for each model."},
    {"compute", SCHEMA_choice, AT(struct fleet_engine, compute), WORDS(compute_words),
     .help = "What it computes on."},
    {"version", SCHEMA_text, AT(struct fleet_engine, version),
     .help = "Its version, where it matters what that version can load."},
    {"env", SCHEMA_pairs, AT_COUNTED(struct fleet_engine, env),
     .help = "Environment variables it runs with."},
    {"args", SCHEMA_texts, AT_COUNTED(struct fleet_engine, args),
     .help = "Command-line arguments it runs with."},
    {"base_path", SCHEMA_name, AT(struct fleet_engine, base_path),
     .help = "What stands in front of its paths: `/v3` for OpenVINO Model Server."},
    {"url", SCHEMA_name, AT(struct fleet_engine, url),
     .help = "Its whole address, where it is not the machine's with the port."},
    {"tls", SCHEMA_flag, AT(struct fleet_engine, tls), .help = "It is spoken to over TLS."},
    {"key", SCHEMA_secret, AT(struct fleet_engine, key), .help = "The API key it wants."},
};
static const struct schema_section engine_section =
    SECTION(struct fleet_engine, "engine", engine_rows, .is_short = true,
            .help = "One model server on a machine.");

static const struct schema_row model_rows[] = {
    {"pull", SCHEMA_name, AT(struct fleet_model, pull), .required = true,
     .place = offsetof(struct fleet_model, pull_at),
     .help = "The artifact, as the engine is asked for it."},
    {"name", SCHEMA_name, AT(struct fleet_model, name),
     .place = offsetof(struct fleet_model, name_at),
     .help = "Deployment name, SIZE-WHERE-COST-name."},
    {"engine", SCHEMA_name, AT(struct fleet_model, engine_name),
     .help = "Which of the machine's engines serves it, by name or kind; the first one unless "
             "said."},
    {"context", SCHEMA_tokens, AT(struct fleet_model, context),
     .place = offsetof(struct fleet_model, context_at),
     .help = "Tokens that one request may hold. Say it: engines choose badly."},
    {"slots", SCHEMA_number, AT(struct fleet_model, slots), .min = 1, .max = 1024,
     .help = "Requests at once, where it is not the engine's."},
    {"task", SCHEMA_set, AT(struct fleet_model, purposes), WORDS(purpose_words),
     .place = offsetof(struct fleet_model, purposes_at),
     .help = "What it is meant for on this machine; `check` asks whether the model can do it."},
    {"optional", SCHEMA_flag, AT(struct fleet_model, is_optional),
     .help = "Wished for, not counted on."},
    {"pin", SCHEMA_flag, AT(struct fleet_model, is_pinned),
     .help = "`plan` leaves it on this machine, whatever else would be better."},
    {"note", SCHEMA_text, AT(struct fleet_model, note), .help = "For people."},
};
static const struct schema_section model_section =
    SECTION(struct fleet_model, "model", model_rows, .is_short = true,
            .help = "A copy that a machine should hold.");

static const struct schema_row machine_rows[] = {
    {"NAME", SCHEMA_name, AT(struct machine, name), .help = "The machine's name is the key."},
    {"tier", SCHEMA_number, AT(struct machine, tier), .min = 1, .max = 6,
     .help = "1 for the fastest; 6 for what serves no models."},
    {"role", SCHEMA_text, AT(struct machine, role), .help = "What it is for, for people."},
    {"note", SCHEMA_text, AT(struct machine, note), .help = "For people."},
    {"os", SCHEMA_choice, AT(struct machine, os), WORDS(os_words),
     .help = "Operating system; linux unless said."},
    {"hardware", SCHEMA_section, AT(struct machine, hardware), .section = &hardware_section,
     .help = "What is in the box."},
    {"addresses", SCHEMA_section, AT(struct machine, addresses), .section = &addresses_section,
     .help = "Where it is reached."},
    {"domain", SCHEMA_name, AT(struct machine, domain),
     .help = "What fails together: machines on one power strip share a domain. Its own name "
             "unless said."},
    {"ssh", SCHEMA_name, AT(struct machine, ssh),
     .help = "`user@host` for the install scripts that `export` writes."},
    {"wake", SCHEMA_name, AT(struct machine, wake), .help = "MAC address for wake-on-LAN."},
    {"exporter", SCHEMA_name, AT(struct machine, exporter),
     .help = "Where its node exporter says how warm it is: `HOST:PORT`; port 9100 there unless "
             "said."},
    {"engines", SCHEMA_list, AT_COUNTED(struct machine, engines), .section = &engine_section,
     .help = "Its model servers."},
    {"keep_loaded", SCHEMA_own, AT(struct machine, keep_loaded), .read = read_keep_loaded,
     .expects = "a number, or a list of names",
     .help = "How many models stay in memory, or which: deployment names or artifacts."},
    {"models", SCHEMA_list, AT_COUNTED(struct machine, models), .section = &model_section,
     .place = offsetof(struct machine, models_at), .help = "What it should hold."},
    {"services", SCHEMA_texts, AT_COUNTED(struct machine, services),
     .help = "What else runs there, for people and `export`."},
    {"count", SCHEMA_number, AT(struct machine, count), .min = 1, .max = 1000,
     .help = "How many such boxes this entry stands for; 1 unless said."},
    {"inference", SCHEMA_not_flag, AT(struct machine, no_inference),
     .help = "`false`: serves no models, is never chosen as a stand-in."},
};
static const struct schema_section machine_section =
    SECTION(struct machine, "machine", machine_rows, .help = "One box, under its name.");

static const struct schema_row needs_rows[] = {
    {"task", SCHEMA_choice, AT(struct needs, purpose), WORDS(purpose_words),
     .help = "What it is used for; general unless said."},
    {"params", SCHEMA_count_range, AT(struct needs, params),
     .help = "How large a qualifying model is: 70B+, 20-40B, 11B."},
    {"capabilities", SCHEMA_set, AT(struct needs, capabilities), WORDS(capability_words),
     .help = "What it must be able to do beyond its task."},
    {"context", SCHEMA_tokens, AT(struct needs, context), .help = "Tokens it must hold."},
};
static const struct schema_section needs_section =
    SECTION(struct needs, "needs", needs_rows, .is_short = true,
            .help = "What qualifies a model for a category.");

static const struct schema_row demand_rows[] = {
    {"per_hour", SCHEMA_real, AT(struct category_demand, per_hour),
     .help = "Requests in an hour; what is usual for its task unless said."},
    {"prompt", SCHEMA_tokens, AT(struct category_demand, prompt_tokens),
     .help = "Tokens that one of them brings."},
    {"answer", SCHEMA_tokens, AT(struct category_demand, answer_tokens),
     .help = "Tokens that its answer has."},
};
static const struct schema_section demand_section =
    SECTION(struct category_demand, "demand", demand_rows, .is_short = true,
            .help = "How much is asked of a category; `plan` reckons with it.");

static const struct schema_row category_rows[] = {
    {"NAME", SCHEMA_name, AT(struct category, name),
     .help = "The category's name is the key; it can be asked for as a model."},
    {"title", SCHEMA_text, AT(struct category, title), .help = "For people."},
    {"needs", SCHEMA_section, AT(struct category, needs), .section = &needs_section,
     .help = "What qualifies a model."},
    {"primary", SCHEMA_name, AT(struct category, primary),
     .place = offsetof(struct category, primary_at), .help = "The machine that serves it."},
    {"backups", SCHEMA_texts, AT_COUNTED(struct category, backups),
     .place = offsetof(struct category, backups_key_at),
     .places = offsetof(struct category, backups_at),
     .help = "The machines that stand in, first choice first."},
    {"machines", SCHEMA_choice, AT(struct category, machines), WORDS(machines_words),
     .help = "Instead of primary and backups: `any` machine that holds a qualifying model, or "
             "`all` machines should hold one."},
    {"models", SCHEMA_texts, AT_COUNTED(struct category, models),
     .places = offsetof(struct category, models_at),
     .help = "Only these artifacts or deployment names, first choice first. Embeddings need it: "
             "vectors of two models do not mix."},
    {"cloud", SCHEMA_texts, AT_COUNTED(struct category, cloud),
     .places = offsetof(struct category, cloud_at),
     .help = "Entries of `cloud` to fall back to, first choice first."},
    {"floor_tps", SCHEMA_real, AT(struct category, floor_tps),
     .help = "Tokens a second below which it does not count as served."},
    {"cache", SCHEMA_duration, AT(struct category, cache_ms),
     .help = "How long an answer is kept in memory for equal requests of whoever may ask for what "
             "gave it; not at all unless said. Only what would be answered the same again is: at "
             "temperature 0 without tools, and vectors."},
    {"demand", SCHEMA_section, AT(struct category, demand), .section = &demand_section,
     .help = "How much is asked of it."},
    {"note", SCHEMA_text, AT(struct category, note), .help = "For people."},
};
static const struct schema_section category_section =
    SECTION(struct category, "category", category_rows,
            .help = "One row of the redundancy map, under its name.");

static const struct schema_row cloud_rows[] = {
    {"name", SCHEMA_name, AT(struct cloud_model, name), .required = true,
     .place = offsetof(struct cloud_model, name_at),
     .help = "Deployment name, SIZE-CLD-COST-name."},
    {"provider", SCHEMA_choice, AT(struct cloud_model, provider), .required = true,
     WORDS(provider_words), .help = "Whose API it is."},
    {"model", SCHEMA_name, AT(struct cloud_model, model), .required = true,
     .place = offsetof(struct cloud_model, model_at), .help = "The provider's id of the model."},
    {"url", SCHEMA_name, AT(struct cloud_model, url),
     .help = "The API's address; each provider has its own."},
    {"key", SCHEMA_secret, AT(struct cloud_model, key), .help = "The credential."},
    {"price_in", SCHEMA_money, AT(struct cloud_model, price_in_micro),
     .said = offsetof(struct cloud_model, has_price),
     .help = "Dollars for a million tokens of prompt."},
    {"price_out", SCHEMA_money, AT(struct cloud_model, price_out_micro),
     .said = offsetof(struct cloud_model, has_price),
     .help = "Dollars for a million tokens of answer."},
    {"price_cached", SCHEMA_money, AT(struct cloud_model, price_cached_micro),
     .help = "Dollars for a million tokens of prompt read from the provider's cache."},
    {"context", SCHEMA_tokens, AT(struct cloud_model, context), .help = "Tokens it holds."},
    {"output_max", SCHEMA_tokens, AT(struct cloud_model, output_max),
     .help = "Tokens of answer at most."},
    {"capabilities", SCHEMA_set, AT(struct cloud_model, capabilities), WORDS(capability_words),
     .help = "What it can do, where the catalog does not know."},
    {"retired", SCHEMA_date, AT(struct cloud_model, retired),
     .help = "The day from which it does not answer."},
    {"note", SCHEMA_text, AT(struct cloud_model, note), .help = "For people."},
};
static const struct schema_section cloud_section = SECTION(
    struct cloud_model, "cloud model", cloud_rows, .help = "A model behind somebody else's API.");

static const struct schema_row expectation_rows[] = {
    {"tier", SCHEMA_number, AT(struct expectation, tier), .min = 1, .max = 6,
     .help = "Of machines of this tier."},
    {"machine", SCHEMA_name, AT(struct expectation, machine), .help = "Of this machine."},
    {"hardware", SCHEMA_text, AT(struct expectation, hardware), .help = "Of this hardware."},
    {"task", SCHEMA_set, AT(struct expectation, purposes), WORDS(purpose_words),
     .help = "At this task."},
    {"params", SCHEMA_count_range, AT(struct expectation, params),
     .help = "With models of this size."},
    {"quant", SCHEMA_text, AT(struct expectation, quant), .help = "With this quantisation."},
    {"tps", SCHEMA_real_range, AT(struct expectation, tps),
     .place = offsetof(struct expectation, tps_at), .help = "Tokens a second, one request alone."},
    {"seconds", SCHEMA_real_range, AT(struct expectation, seconds),
     .help = "Seconds for one image or video."},
    {"use", SCHEMA_text, AT(struct expectation, use), .help = "For people."},
    {"note", SCHEMA_text, AT(struct expectation, note), .help = "For people."},
};
static const struct schema_section expectation_section =
    SECTION(struct expectation, "expectation", expectation_rows,
            .help = "A speed that somebody expects; `check` and `bench` judge it.");

static const struct schema_row estimates_rows[] = {
    {"storage", SCHEMA_bytes_range, AT(struct estimates, storage),
     .place = offsetof(struct estimates, storage_at), .help = "Disk that all copies take."},
    {"setup_time", SCHEMA_duration_range, AT(struct estimates, setup_ms),
     .place = offsetof(struct estimates, setup_at), .help = "Time until all copies are there."},
    {"note", SCHEMA_text, AT(struct estimates, note), .help = "For people."},
};
static const struct schema_section estimates_section =
    SECTION(struct estimates, "estimates", estimates_rows,
            .help = "What somebody reckoned; `check` compares it with the truth.");

static const struct schema_row network_rows[] = {
    {"wan", SCHEMA_rate, AT(struct network, wan_bits), .help = "From the internet."},
    {"lan", SCHEMA_rate, AT(struct network, lan_bits), .help = "Between machines."},
};
static const struct schema_section network_section =
    SECTION(struct network, "network", network_rows, .help = "How fast bytes travel.");

static const struct schema_row identity_rows[] = {
    {"name", SCHEMA_text, AT(struct fleet, name), .help = "For people and metrics."},
    {"note", SCHEMA_text, AT(struct fleet, note), .help = "For people."},
};
static const struct schema_section identity_section = {
    .name = "fleet",
    .help = "What this fleet is called.",
    .size = sizeof(struct fleet),
    .place_offset = NO_PLACE,
    .is_short = true,
    .rows = identity_rows,
    .row_count = COUNT_OF(identity_rows),
};

static const struct schema_row login_rows[] = {
    {"login", SCHEMA_text, AT(struct fleet_login, login), .required = true,
     .help =
         "Who: a login as Tailscale has it, `ana@example.com`, or several, `*@example.com`. The "
         "first row that fits counts."},
    {"key", SCHEMA_name, AT(struct fleet_login, key),
     .help = "The id of a key, as `tampu key list` says it: they may what it may, and share its "
             "limits; an operator's makes them operators."},
    {"rules", SCHEMA_pairs, AT_COUNTED(struct fleet_login, rules),
     .help =
         "Instead of a key: what they may, by the options of `tampu key create` without the "
         "dashes (`models: \"S-*\"`, `requests-per-minute: 60`); all of the row share its limits."},
};
static const struct schema_section login_section =
    SECTION(struct fleet_login, "login", login_rows, .is_short = true,
            .help = "Who of the tailnet may ask, through `tailscale serve` and "
                    "`gateway.tailscale.socket` alone.");

static const struct schema_row fleet_rows[] = {
    {"fleet", SCHEMA_section, .offset = 0, .section = &identity_section,
     .help = "What this fleet is called."},
    {"gateway", SCHEMA_pairs, AT_COUNTED(struct fleet, settings),
     .help = "Settings without `gateway.` in front: see `tampu help settings`."},
    {"machines", SCHEMA_map, AT_COUNTED(struct fleet, machines), .required = true,
     .section = &machine_section, .help = "The boxes, by name."},
    {"categories", SCHEMA_map, AT_COUNTED(struct fleet, categories), .section = &category_section,
     .help = "The redundancy map, by name."},
    {"aliases", SCHEMA_pairs, AT_COUNTED(struct fleet, aliases),
     .help = "Further names: each for a deployment name, artifact, category or selector."},
    {"cloud", SCHEMA_list, AT_COUNTED(struct fleet, cloud), .section = &cloud_section,
     .help = "Models behind somebody else's API."},
    {"expectations", SCHEMA_list, AT_COUNTED(struct fleet, expectations),
     .section = &expectation_section, .help = "Speeds that somebody expects."},
    {"estimates", SCHEMA_section, AT(struct fleet, estimates), .section = &estimates_section,
     .help = "Storage and set-up time that somebody reckoned."},
    {"network", SCHEMA_section, AT(struct fleet, network), .section = &network_section,
     .help = "How fast bytes travel."},
    {"tailnet", SCHEMA_list, AT_COUNTED(struct fleet, tailnet), .section = &login_section,
     .help = "People who need no key."},
    {"span", SCHEMA_flag, AT(struct fleet, span),
     .help = "`true`: `plan` may spread a model too large for each machine over several that have "
             "a llama-server, by llama.cpp's RPC."},
    {"include", SCHEMA_texts, AT_COUNTED(struct fleet, files),
     .help = "Further files, from the folder of this one; their entries are added to these."},
};
const struct schema_section fleet_section = {
    .name = "fleet file",
    .help = "Maps, lists and texts in YAML, without anchors, aliases and tags. Unknown keys are "
            "errors.",
    .size = sizeof(struct fleet),
    .place_offset = NO_PLACE,
    .rows = fleet_rows,
    .row_count = COUNT_OF(fleet_rows),
};

static void read_keep_loaded(struct schema_reader *rd, const struct yaml *y, void *field)
{
    static const struct schema_row count_row = {"keep_loaded", SCHEMA_number,
                                                AT(struct keep_loaded, count), .max = 1000};
    static const struct schema_row names_row = {"keep_loaded", SCHEMA_texts,
                                                AT_COUNTED(struct keep_loaded, names)};
    static const struct schema_row *const rows[] = {&count_row, &names_row};
    struct keep_loaded *keep = field;
    uint64_t number;
    bool is_count = y->kind == YAML_text && str_to_u64(&number, y->text) == 0;

    keep->at = y->key_at;
    keep->is_said = true;
    schema_read_row(rd, rows[!is_count], y, field);
    if (!is_count)
        keep->count = keep->names_count;
}
