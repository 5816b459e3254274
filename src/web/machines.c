/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator says of a machine. */
#include "web/machines.h"

#include <errno.h>

#include "gateway/duties.h"
#include "net/clock.h"
#include "wire/json_out.h"

static const char *const verbs[] = {
    [DUTY_serves] = "uncordon", [DUTY_cordoned] = "cordon", [DUTY_drained] = "drain"};

static int refuse(struct buf *out, const char *words);

int machine_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct str verb, name = str_cut(r->rest, '/', &verb);
    struct json_out o = {.out = out};
    unsigned duty = 0;
    uint32_t running;
    int told;

    (void)type;
    while (duty < COUNT_OF(verbs) && !str_is(verb, verbs[duty]))
        duty++;
    if (duty == COUNT_OF(verbs))
        return refuse(out, "expected /admin/v1/machines/NAME/cordon, drain or uncordon");
    told = duties_say(gateway_duties(r->gateway), name, (enum machine_duty)duty, r->caller,
                      clock_monotonic_us() / 1000, clock_wall_us());
    if (told < 0)
        return refuse(out, told == -ENOENT ? "the fleet file has no machine of that name"
                                           : "too many machines are out of service already");
    json_open(&o, '{');
    json_text(json_key(&o, "machine"), name);
    json_text(json_key(&o, "duty"),
              str_from(duty_name(traffic_duty(gateway_traffic(r->gateway), name, &running))));
    json_number(json_key(&o, "running"), running);
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

static int refuse(struct buf *out, const char *words)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "error"), str_from(words));
    json_close(&o, '}');
    return o.error ? 500 : 404;
}
