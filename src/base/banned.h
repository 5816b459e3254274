/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that this house does not use.
 * tools/banned reads the list: poisoned for the compiler, the names would break the libraries'
 * headers.
 */
#pragma once

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol localtime gmtime alloca
