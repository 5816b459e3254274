/* SPDX-License-Identifier: Apache-2.0 */
/* One machine of the fleet file. */
#include "fleet/machine.h"

#include <errno.h>

const struct fleet_engine *machine_engine(const struct machine *m, struct str name)
{
    const struct fleet_engine *found = NULL;
    int kind = schema_find_word(engine_words, ENGINE_COUNT, name);

    for (uint32_t i = 0; i < m->engines_count; i++)
        if (str_equal(m->engines[i].name, name))
            return &m->engines[i];
    for (uint32_t i = 0; i < m->engines_count && kind >= 0; i++)
        if (m->engines[i].kind == (uint32_t)kind) {
            if (found)
                return NULL;
            found = &m->engines[i];
        }
    return found;
}

uint64_t machine_ram(const struct machine *m)
{
    return m->hardware.ram_bytes ? m->hardware.ram_bytes : m->hardware.assume_ram.low;
}

uint64_t machine_disk(const struct machine *m)
{
    return m->hardware.disk_bytes ? m->hardware.disk_bytes : m->hardware.assume_disk.low;
}

bool machine_serves(const struct machine *m)
{
    return !m->no_inference && m->engines_count > 0;
}

int machine_engine_host(const struct machine *m, const struct fleet_engine *e, struct buf *out)
{
    struct str host = m->addresses.lan;
    bool is_ipv6;

    if (!host.len)
        host = m->addresses.tailscale;
    if (!host.len)
        host = m->addresses.hostname;
    if (!host.len)
        return -ENOENT;
    is_ipv6 = str_index(host, ':') < host.len && host.data[0] != '[';
    return buf_printf(out, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(host), e->port);
}
