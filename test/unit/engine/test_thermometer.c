/* SPDX-License-Identifier: Apache-2.0 */
/* Temperatures in a node exporter's page. */
#include "testing.h"

#include <math.h>

#include "base/attr.h"
#include "engine/thermometer.h"

static void sensors_are_read_and_nothing_else(void **state)
{
    static const struct {
        struct str line;
        double celsius; /* 0: it is none */
    } cases[] = {
        {STR("node_hwmon_temp_celsius{chip=\"0000:00:18_3\",sensor=\"temp1\"} 54.625"), 54.625},
        {STR("node_thermal_zone_temp{type=\"cpu thermal\",zone=\"0\"} 6.1e+01"), 61},
        {STR("node_hwmon_temp_celsius{chip=\"a\"} -12"), -12},
        {STR("node_hwmon_temp_celsius{chip=\"a\"} NaN"), 0},
        {STR("node_hwmon_temp_celsius{chip=\"a\"} 65261.85"), 0}, /* nothing is connected there */
        {STR("node_hwmon_temp_celsius{chip=\"a\"} -273.15"), 0},
        {STR("node_hwmon_temp_celsius{chip=\"a\"} 54 1700000000000x"), 0},
        {STR("node_hwmon_temp_celsius"), 0},
        {STR("node_hwmon_temp_celsius "), 0},
        {STR("node_hwmon_temp_max_celsius{chip=\"a\"} 89"), 0},
        {STR("node_hwmon_temp_celsius_more{chip=\"a\"} 89"), 0},
        {STR("# HELP node_hwmon_temp_celsius Hardware monitor for temperature 1"), 0},
        {STR("node_load1 0.5"), 0},
        {STR(""), 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double celsius = 0;

        if (thermometer_line(&celsius, cases[i].line) != (fabs(cases[i].celsius) > 0))
            fail_msg("%s", cases[i].line.data);
        assert_true(fabs(celsius - cases[i].celsius) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sensors_are_read_and_nothing_else)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
