/* SPDX-License-Identifier: Apache-2.0 */
/* A private certificate authority in a folder of its own, made by openssl when a test needs it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* ca.pem trusts here.pem (localhost and 127.0.0.1), there.pem (elsewhere.example) and old.pem
 * (expired the second it was made: newer openssl refuses to go back); other.pem is another
 * authority. Keys have the same names with .key. */
static struct {
    char folder[64];
    char ca[96], other[96];
} certificates;

static inline const char *certificate(const char *name, const char *kind)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s.%s", certificates.folder, name, kind);
    return path;
}

static inline int make_certificates(void)
{
    static const char script[] =
        "set -e; cd '%s'\n"
        "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -subj /CN=$1 -keyout $1.key -out $1.pem; }\n"
        "leaf() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1"
        " -keyout $1.key -out $1.csr; echo subjectAltName=$2 >$1.ext;"
        " openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $3"
        " -extfile $1.ext -out $1.pem; }\n"
        "(ca ca; ca other; leaf here DNS:localhost,IP:127.0.0.1 2;"
        " leaf there DNS:elsewhere.example 2; leaf old DNS:localhost,IP:127.0.0.1 0) 2>log\n";
    char command[2048];

    snprintf(certificates.folder, sizeof certificates.folder, "/tmp/tampu-test-XXXXXX");
    if (!mkdtemp(certificates.folder))
        return -1;
    snprintf(certificates.ca, sizeof certificates.ca, "%s/ca.pem", certificates.folder);
    snprintf(certificates.other, sizeof certificates.other, "%s/other.pem", certificates.folder);
    snprintf(command, sizeof command, script, certificates.folder);
    return system(command);
}

static inline void remove_certificates(void)
{
    char command[96];

    snprintf(command, sizeof command, "rm -r '%s'", certificates.folder);
    if (system(command) != 0)
        fprintf(stderr, "%s stays behind\n", certificates.folder);
}
