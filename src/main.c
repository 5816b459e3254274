/* SPDX-License-Identifier: Apache-2.0 */
/* The program: argv, the command table, the exit status. */
#include "cmd/command.h"
#include "net/door.h"

int main(int argc, char **argv)
{
    door_open(); /* reads the environment before there is any thread */
    return command_run(argc, argv);
}
