/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that this house does not use; included by the compiler command line, last word in C. */
#pragma once

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol localtime gmtime alloca
