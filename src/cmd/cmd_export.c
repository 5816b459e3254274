/* SPDX-License-Identifier: Apache-2.0 */
/* tampu export: the fleet in the words of other programs. */
#include "cmd/command.h"
#include "cmd/export.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"

enum { LIST_MAX = 65536 };

static int list(void);

static const struct {
    const char *name, *what;
    export_fn *run;
} exports[] = {
#define EXPORT(name, what) {#name, what, export_##name},
#include "tables/exports.def"
};

int cmd_export(int argc, char **argv)
{
    struct options o = {0};
    size_t i = 0;
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (!o.operand_count)
        return list();
    while (i < COUNT_OF(exports) && strcmp(exports[i].name, o.operands[0]) != 0)
        i++;
    if (i == COUNT_OF(exports))
        return usage_error("export", "there is no '%s' to export; tampu export lists what there is",
                           o.operands[0]);
    if (o.operand_count < 2)
        return usage_error("export", "FLEET is missing: tampu export %s FLEET", exports[i].name);
    return exports[i].run(&o);
}

static int list(void)
{
    struct table t;
    struct buf out;
    int status = EXIT_no;

    table_init(&t, 2);
    for (size_t i = 0; i < COUNT_OF(exports); i++) {
        table_add(&t, PAINT_none, str_from(exports[i].name));
        table_add(&t, PAINT_none, str_from(exports[i].what));
    }
    buf_init(&out, LIST_MAX);
    if (table_write(&t, &out, 0, terminal_takes_colors()) == 0)
        status = terminal_print(buf_str(&out));
    buf_fini(&out);
    table_fini(&t);
    return status;
}
