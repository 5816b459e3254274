/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities as people write them. */
#include "base/units.h"

#include <errno.h>
#include <time.h>

/* A number before its unit is known: digits / divisor. */
struct decimal {
    uint64_t digits, divisor;
};

struct unit {
    const char *name;
    uint64_t scale;
};

enum { DECIMALS_MAX = 9 };

#define KI (1ull << 10)
#define MI (1ull << 20)
#define GI (1ull << 30)
#define TI (1ull << 40)

/* Each list ends with a NULL name; "" is a number without a unit. */
static const struct unit byte_units[] = {
    {"", 1},         {"B", 1},           {"kB", 1000},
    {"MB", 1000000}, {"GB", 1000000000}, {"TB", 1000000000000},
    {"KiB", KI},     {"MiB", MI},        {"GiB", GI},
    {"TiB", TI},     {NULL, 0},
};
static const struct unit memory_units[] = {
    {"", 1},     {"B", 1},    {"kB", KI},  {"MB", MI},  {"GB", GI}, {"TB", TI},
    {"KiB", KI}, {"MiB", MI}, {"GiB", GI}, {"TiB", TI}, {NULL, 0},
};
static const struct unit duration_units[] = {
    {"ms", 1},          {"s", 1000},       {"sec", 1000},      {"second", 1000},
    {"seconds", 1000},  {"m", 60000},      {"min", 60000},     {"minute", 60000},
    {"minutes", 60000}, {"h", 3600000},    {"hour", 3600000},  {"hours", 3600000},
    {"d", 86400000},    {"day", 86400000}, {"days", 86400000}, {NULL, 0},
};
static const struct unit rate_units[] = {
    {"bit/s", 1},      {"kbit/s", 1000},  {"Mbit/s", 1000000}, {"Gbit/s", 1000000000},
    {"bps", 1},        {"kbps", 1000},    {"Mbps", 1000000},   {"Gbps", 1000000000},
    {"b/s", 1},        {"kb/s", 1000},    {"Mb/s", 1000000},   {"Gb/s", 1000000000},
    {"B/s", 8},        {"kB/s", 8000},    {"MB/s", 8000000},   {"GB/s", 8000000000},
    {"MiB/s", 8 * MI}, {"GiB/s", 8 * GI}, {NULL, 0},
};
static const struct unit count_units[] = {
    {"", 1}, {"K", 1000}, {"M", 1000000}, {"B", 1000000000}, {"T", 1000000000000}, {NULL, 0},
};
static const struct unit token_units[] = {{"", 1}, {"K", KI}, {"M", MI}, {NULL, 0}};
static const struct unit money_units[] = {{"", 1000000}, {NULL, 0}};

static int read_quantity(uint64_t *ret, struct str text, const struct unit *units);
static int read_decimal(struct decimal *ret, struct str *text);
static const struct unit *find_unit(const struct unit *units, struct str name);
static int scale(uint64_t *ret, struct decimal number, uint64_t by);
static struct str unit_of(struct str text);
static int write_scaled(struct buf *out, uint64_t value, uint64_t unit, const char *name);

int units_read_bytes(uint64_t *ret, struct str text)
{
    return read_quantity(ret, text, byte_units);
}

int units_read_memory(uint64_t *ret, struct str text)
{
    return read_quantity(ret, text, memory_units);
}

int units_read_rate(uint64_t *ret_bits, struct str text)
{
    return read_quantity(ret_bits, text, rate_units);
}

int units_read_count(uint64_t *ret, struct str text)
{
    return read_quantity(ret, text, count_units);
}

int units_read_tokens(uint64_t *ret, struct str text)
{
    return read_quantity(ret, text, token_units);
}

int units_read_money(uint64_t *ret_micro, struct str text)
{
    struct str left = str_trim(text);
    struct decimal number;
    int r = read_decimal(&number, &left);

    if (r < 0)
        return r;
    return number.divisor > 1000000 ? -EINVAL : read_quantity(ret_micro, text, money_units);
}

int units_read_duration(uint64_t *ret_ms, struct str text)
{
    uint64_t total = 0;

    text = str_trim(text);
    if (str_is(text, "0")) {
        *ret_ms = 0;
        return 0;
    }
    do {
        struct decimal number;
        const struct unit *unit;
        struct str name;
        uint64_t part;
        int r = read_decimal(&number, &text);

        if (r < 0)
            return r;
        text = str_trim(text);
        name = unit_of(text);
        unit = find_unit(duration_units, name);
        if (!unit)
            return -EINVAL;
        if ((r = scale(&part, number, unit->scale)) < 0)
            return r;
        if (__builtin_add_overflow(total, part, &total))
            return -ERANGE;
        text = str_trim(str_slice(text.data + name.len, text.len - name.len));
    } while (text.len);
    *ret_ms = total;
    return 0;
}

int units_read_real(double *ret, struct str text)
{
    struct decimal number;
    int r;

    text = str_trim(text);
    if ((r = read_decimal(&number, &text)) < 0)
        return r;
    if (text.len)
        return -EINVAL;
    *ret = (double)number.digits / (double)number.divisor;
    return 0;
}

int units_read_range(struct units_range *ret, struct str text, units_read_fn *read)
{
    struct units_range range;
    struct str whole = str_trim(text), left = whole, high, low = str_cut(whole, '-', &high);
    struct decimal number;
    char joined[64];
    struct str unit;
    int r;

    if (low.len == whole.len) {
        bool open = whole.len && whole.data[whole.len - 1] == '+';

        if ((r = read(&range.low, str_slice(whole.data, whole.len - open))) < 0)
            return r;
        range.high = open ? UINT64_MAX : range.low;
        *ret = range;
        return 0;
    }
    low = str_trim(low);
    high = left = str_trim(high);
    if ((r = read(&range.high, high)) < 0 || (r = read_decimal(&number, &left)) < 0)
        return r;
    unit = str_trim(left);
    if (low.len + unit.len + 1 > sizeof joined)
        return -EINVAL;
    left = low;
    if (read_decimal(&number, &left) == 0 && !str_trim(left).len) {
        memcpy(joined, low.data, low.len);
        memcpy(joined + low.len, unit.data, unit.len);
        low = str_slice(joined, low.len + unit.len);
    }
    if ((r = read(&range.low, low)) < 0)
        return r;
    if (range.low > range.high)
        return -EINVAL;
    *ret = range;
    return 0;
}

int units_write_bytes(struct buf *out, uint64_t bytes)
{
    static const struct unit sizes[] = {
        {"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000}};

    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        if (bytes >= sizes[i].scale)
            return buf_printf(out, "%.1f %s", (double)bytes / (double)sizes[i].scale,
                              sizes[i].name);
    return buf_printf(out, "%llu B", (unsigned long long)bytes);
}

int units_write_duration(struct buf *out, uint64_t ms)
{
    static const struct unit parts[] = {
        {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    int r = 0;

    if (!ms)
        return buf_put(out, STR("0s"));
    for (size_t i = 0; i < COUNT_OF(parts) && r == 0; i++) {
        uint64_t n = ms / parts[i].scale;

        if (n)
            r = buf_printf(out, "%llu%s", (unsigned long long)n, parts[i].name);
        ms %= parts[i].scale;
    }
    return r;
}

int units_write_time(struct buf *out, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    char text[32];
    struct tm utc;

    if (!gmtime_r(&seconds, &utc))
        return -ERANGE;
    return buf_put(out, str_slice(text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)));
}

int units_write_count(struct buf *out, uint64_t count)
{
    if (count >= 1000000000)
        return write_scaled(out, count, 1000000000, "B");
    if (count >= 1000000)
        return write_scaled(out, count, 1000000, "M");
    return buf_put_u64(out, count);
}

static int read_quantity(uint64_t *ret, struct str text, const struct unit *units)
{
    struct decimal number;
    const struct unit *unit;
    int r;

    text = str_trim(text);
    if ((r = read_decimal(&number, &text)) < 0)
        return r;
    unit = find_unit(units, str_trim(text));
    return unit ? scale(ret, number, unit->scale) : -EINVAL;
}

/* Takes digits, at most one point and at most nine decimals off the front of text. */
static int read_decimal(struct decimal *ret, struct str *text)
{
    struct decimal number = {.divisor = 1};
    bool fraction = false;
    unsigned decimals = 0;
    size_t i;

    for (i = 0; i < text->len; i++) {
        char c = text->data[i];

        if (c == '.' && !fraction && i > 0) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (fraction && ++decimals > DECIMALS_MAX)
            return -EINVAL;
        if (__builtin_mul_overflow(number.digits, 10, &number.digits) ||
            __builtin_add_overflow(number.digits, (uint64_t)(c - '0'), &number.digits))
            return -ERANGE;
        number.divisor *= fraction ? 10 : 1;
    }
    if (i == 0 || (fraction && decimals == 0))
        return -EINVAL;
    *text = str_slice(text->data + i, text->len - i);
    *ret = number;
    return 0;
}

/* As written first: Gb/s and GB/s differ by case only. */
static const struct unit *find_unit(const struct unit *units, struct str name)
{
    for (const struct unit *unit = units; unit->name; unit++)
        if (str_is(name, unit->name))
            return unit;
    for (const struct unit *unit = units; unit->name; unit++)
        if (str_equal_nocase(str_from(unit->name), name))
            return unit;
    return NULL;
}

static int scale(uint64_t *ret, struct decimal number, uint64_t by)
{
    unsigned __int128 value = (unsigned __int128)number.digits * by / number.divisor;

    if (value >= UINT64_MAX)
        return -ERANGE;
    *ret = (uint64_t)value;
    return 0;
}

/* The letters in front. */
static struct str unit_of(struct str text)
{
    size_t i = 0;

    while (i < text.len && ((text.data[i] | 32) >= 'a' && (text.data[i] | 32) <= 'z'))
        i++;
    return str_slice(text.data, i);
}

static int write_scaled(struct buf *out, uint64_t value, uint64_t unit, const char *name)
{
    uint64_t tenths = (value + unit / 20) / (unit / 10);

    if (tenths % 10 == 0)
        return buf_printf(out, "%llu%s", (unsigned long long)tenths / 10, name);
    return buf_printf(out, "%llu.%llu%s", (unsigned long long)tenths / 10,
                      (unsigned long long)tenths % 10, name);
}
