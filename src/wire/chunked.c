/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked transfer coding, one byte at a time but for the data. */
#include "wire/chunked.h"

#include "base/attr.h"
#include "wire/bytes.h"

enum step {
    STEP_size,
    STEP_extension,
    STEP_size_lf,
    STEP_data,
    STEP_data_cr,
    STEP_data_lf,
    STEP_trailer_start,
    STEP_trailer_name,
    STEP_trailer_value,
    STEP_trailer_lf,
    STEP_last_lf,
    STEP_end,
};

static bool step_byte(struct chunked *c, unsigned char byte);
static bool in_size(struct chunked *c, unsigned char byte);
static bool in_extension(struct chunked *c, unsigned char byte);
static bool in_trailer(struct chunked *c, unsigned char byte);
static bool expect(struct chunked *c, unsigned char byte, char wanted, enum step next);
static bool refuse(struct chunked *c, const char *words);

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.step = STEP_size};
}

enum chunked_event chunked_feed(struct chunked *c, struct str *in, struct str *ret_piece)
{
    size_t at = 0;

    while (at < in->len) {
        if (c->step == STEP_data) {
            size_t rest = in->len - at;
            size_t n = rest < c->left ? rest : (size_t)c->left;

            *ret_piece = str_slice(in->data + at, n);
            *in = str_slice(in->data + at + n, rest - n);
            c->left -= n;
            if (!c->left)
                c->step = STEP_data_cr;
            return CHUNKED_data;
        }
        if (!step_byte(c, (unsigned char)in->data[at++]))
            return CHUNKED_wrong;
        if (c->step == STEP_end) {
            *in = str_slice(in->data + at, in->len - at);
            return CHUNKED_end;
        }
    }
    *in = str_slice(in->data + in->len, 0);
    return CHUNKED_more;
}

static bool step_byte(struct chunked *c, unsigned char byte)
{
    switch ((enum step)c->step) {
    case STEP_size:
        return in_size(c, byte);
    case STEP_extension:
        return in_extension(c, byte);
    case STEP_size_lf:
        c->digits = 0;
        return expect(c, byte, '\n', c->left ? STEP_data : STEP_trailer_start);
    case STEP_data_cr:
        return expect(c, byte, '\r', STEP_data_lf);
    case STEP_data_lf:
        return expect(c, byte, '\n', STEP_size);
    case STEP_trailer_start:
    case STEP_trailer_name:
    case STEP_trailer_value:
        return in_trailer(c, byte);
    case STEP_trailer_lf:
        return expect(c, byte, '\n', STEP_trailer_start);
    case STEP_last_lf:
        return expect(c, byte, '\n', STEP_end);
    case STEP_data:
    case STEP_end:
        break;
    }
    return refuse(c, "bytes behind the last chunk");
}

static bool in_size(struct chunked *c, unsigned char byte)
{
    int digit = byte_hex(byte);

    if (digit >= 0) {
        if (++c->digits > CHUNKED_DIGITS_MAX)
            return refuse(c, "a chunk size has more than 16 digits");
        if (c->left >> 59) /* the next digit would make it 2^63 or more */
            return refuse(c, "a chunk is too large");
        c->left = c->left << 4 | (unsigned)digit;
        return true;
    }
    if (!c->digits)
        return refuse(c, "a chunk does not begin with its size in hexadecimal digits");
    c->extension = 0;
    c->step = byte == ';' ? STEP_extension : STEP_size_lf;
    return byte == ';' || byte == '\r' ||
           refuse(c, "a chunk size is followed by something else than CR LF");
}

static bool in_extension(struct chunked *c, unsigned char byte)
{
    if (byte == '\r') {
        c->step = STEP_size_lf;
        return true;
    }
    if (!byte_is_text(byte))
        return refuse(c, "a chunk extension has a control character");
    if (++c->extension > CHUNKED_EXTENSION_MAX || ++c->extensions > CHUNKED_EXTENSIONS_MAX)
        return refuse(c, "the chunk extensions are too long");
    return true;
}

static bool in_trailer(struct chunked *c, unsigned char byte)
{
    if (++c->trailer > CHUNKED_TRAILER_MAX)
        return refuse(c, "the trailers are too long");
    if (byte == '\r' && c->step != STEP_trailer_name) {
        c->step = c->step == STEP_trailer_start ? STEP_last_lf : STEP_trailer_lf;
        return true;
    }
    if (c->step == STEP_trailer_value)
        return byte_is_text(byte) || refuse(c, "a trailer has a control character");
    if (byte == ':' && c->step == STEP_trailer_name) {
        c->step = STEP_trailer_value;
        return true;
    }
    c->step = STEP_trailer_name;
    return byte_is_token(byte) || refuse(c, "a trailer's name is not a token");
}

static bool expect(struct chunked *c, unsigned char byte, char wanted, enum step next)
{
    if (byte != (unsigned char)wanted)
        return refuse(c, "a line of the chunked body does not end with CR LF");
    c->step = (uint8_t)next;
    return true;
}

static bool refuse(struct chunked *c, const char *words)
{
    c->words = words;
    return false;
}
