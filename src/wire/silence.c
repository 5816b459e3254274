/* SPDX-License-Identifier: Apache-2.0 */
/* A second of silence, as a form. */
#include "wire/silence.h"

#include <string.h>

enum { SILENCE_BYTES = 32000 /* a second of 16 kHz, 16 bits */ };

static int put_silence(struct buf *out);

int silence_write_form(struct buf *out, struct str model)
{
    int r = buf_printf(
        out,
        "--" SILENCE_BOUNDARY "\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n"
        "%.*s\r\n--" SILENCE_BOUNDARY "\r\ncontent-disposition: form-data; name=\"file\"; "
        "filename=\"silence.wav\"\r\ncontent-type: audio/wav\r\n\r\n",
        STR_ARG(model));

    if (r == 0)
        r = put_silence(out);
    return r < 0 ? r : buf_put(out, STR("\r\n--" SILENCE_BOUNDARY "--\r\n"));
}

/* A WAV file: one channel of 16 bits at 16 kHz, as whisper wants it. */
static int put_silence(struct buf *out)
{
    static const unsigned char head[44] = {
        'R', 'I', 'F', 'F', 0x24, 0x7d, 0,   0,   'W', 'A',  'V',  'E',  'f', 'm', 't',
        ' ', 16,  0,   0,   0,    1,    0,   1,   0,   0x80, 0x3e, 0,    0,   0,   0x7d,
        0,   0,   2,   0,   16,   0,    'd', 'a', 't', 'a',  0,    0x7d, 0,   0};
    int r = buf_put(out, str_slice((const char *)head, sizeof head));

    if (r == 0)
        r = buf_reserve(out, SILENCE_BYTES);
    if (r < 0)
        return r;
    memset(out->data + out->len, 0, SILENCE_BYTES);
    out->len += SILENCE_BYTES;
    return 0;
}
