/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: one row in tables/commands.def and one file cmd_NAME.c each.
 *
 * Exit status: 0 done, 1 the answer is no, 2 usage or bad file. argv[0] is the command's name.
 */
#pragma once

enum exit_status { EXIT_done = 0, EXIT_no = 1, EXIT_usage = 2 };

typedef int command_fn(int argc, char **argv);

#define COMMAND(name, operands, what) command_fn cmd_##name;
#include "tables/commands.def"

/* argv of main(). Prints help on no or an unknown command (with a suggestion). */
int command_run(int argc, char **argv);
