/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a part, and their parameters. */
#include "wire/multipart_head.h"

#include "wire/bytes.h"
#include "wire/url.h"

static const char *read_line(struct multipart_part *part, struct str name, struct str value,
                             struct buf *text);
static const char *read_disposition(struct multipart_part *part, struct str value,
                                    struct buf *text);
static const char *read_extended(struct str *value, struct buf *text);
static const char *read_quoted(struct str *rest, struct str *value, struct buf *text);
static bool is_token(struct str s);
static bool is_utf8(struct str s);

static const char no_room[] = "the headers of a part are too long";

const char *multipart_read_head(struct multipart_part *ret, struct str head, struct buf *text)
{
    const char *refused = NULL;
    unsigned count = 0;

    while (head.len && !refused) {
        struct str line = str_cut(head, '\n', &head), value, name;

        line.len--; /* the CR before it */
        if (++count > MULTIPART_HEADERS_MAX)
            return "a part has too many headers";
        if (str_index(line, ':') == line.len)
            return "a header of a part has no colon";
        name = str_cut(line, ':', &value);
        if (!is_token(name))
            return "a header of a part has no proper name, or is folded";
        for (size_t i = 0; i < value.len; i++)
            if (!byte_is_text((unsigned char)value.data[i]))
                return "a header of a part holds a control character";
        refused = read_line(ret, name, str_trim(value), text);
    }
    if (!refused && !ret->name.data)
        refused = "a part has no content-disposition with a name";
    return refused;
}

static const char *read_line(struct multipart_part *part, struct str name, struct str value,
                             struct buf *text)
{
    static const char *const plain[] = {"7bit", "8bit", "binary"};

    if (str_equal_nocase(name, STR("content-disposition")))
        return part->name.data ? "a part has two content-dispositions"
                               : read_disposition(part, value, text);
    if (str_equal_nocase(name, STR("content-type"))) {
        if (part->type.data)
            return "a part has two content-types";
        if (str_equal_nocase(str_slice(value.data, value.len < 10 ? value.len : 10),
                             STR("multipart/")))
            return "a form within a form is not taken";
        part->type = value;
    }
    if (str_equal_nocase(name, STR("content-transfer-encoding"))) {
        for (size_t i = 0; i < COUNT_OF(plain); i++)
            if (str_equal_nocase(value, str_from(plain[i])))
                return NULL;
        return "a part has a content-transfer-encoding";
    }
    return NULL;
}

static const char *read_disposition(struct multipart_part *part, struct str value, struct buf *text)
{
    struct str rest, extended = {0}, kind = str_trim(str_cut(value, ';', &rest));
    const char *refused = NULL;

    if (!str_equal_nocase(kind, STR("form-data")))
        return "a part's content-disposition is not form-data";
    while (rest.len && !refused) {
        struct str name, found, *where = NULL;

        refused = multipart_parameter(&rest, &name, &found, text);
        if (refused)
            break;
        if (str_equal_nocase(name, STR("name")))
            where = &part->name;
        else if (str_equal_nocase(name, STR("filename")))
            where = &part->filename;
        else if (str_equal_nocase(name, STR("filename*")))
            where = &extended;
        if (where && where->data)
            refused = "a part has two names";
        else if (where == &extended)
            refused = read_extended(&found, text);
        if (where)
            *where = found;
    }
    if (!refused && (!part->name.data || !is_utf8(part->name) || !is_utf8(part->filename)))
        refused = "a part's name is missing, or is not UTF-8";
    part->is_file = part->filename.data || extended.data;
    if (extended.data)
        part->filename = extended;
    return refused;
}

/* RFC 8187: UTF-8'LANGUAGE'PERCENT-ENCODED. */
static const char *read_extended(struct str *value, struct buf *text)
{
    struct str rest, charset = str_cut(*value, '\'', &rest);
    size_t before = text->len;

    if (!str_equal_nocase(charset, STR("utf-8")) || str_index(rest, '\'') == rest.len)
        return "a part's filename* is not UTF-8''NAME";
    str_cut(rest, '\'', &rest);
    if (url_decode(text, rest, false) < 0)
        return "a part's filename* is not percent-encoded";
    *value = str_slice(text->data + before, text->len - before);
    return is_utf8(*value) ? NULL : "a part's filename* is not UTF-8";
}

const char *multipart_parameter(struct str *rest, struct str *name, struct str *value,
                                struct buf *text)
{
    struct str all = str_trim(*rest);
    size_t end;

    end = str_index(all, '=');
    *name = str_trim(str_slice(all.data, end));
    if (end == all.len || !is_token(*name))
        return "a parameter has no name or no value";
    all = str_trim(str_slice(all.data + end + 1, all.len - end - 1));
    if (all.len && all.data[0] == '"') {
        const char *refused = read_quoted(&all, value, text);

        if (refused)
            return refused;
    } else {
        end = str_index(all, ';');
        *value = str_trim(str_slice(all.data, end));
        if (!value->len)
            return "a parameter has no value";
        all = str_slice(all.data + end, all.len - end);
    }
    all = str_trim(all);
    if (all.len && all.data[0] != ';')
        return "there is text behind a parameter";
    *rest = all.len ? str_slice(all.data + 1, all.len - 1) : all;
    if (all.len && !str_trim(*rest).len)
        rest->len = 0; /* a ';' at the end is forgiven: some libraries write it */
    return NULL;
}

/* A backslash escapes a quote or itself; before anything else it stands for itself, as browsers
 * mean it in names of files. */
static const char *read_quoted(struct str *rest, struct str *value, struct buf *text)
{
    size_t before = text->len, i = 1;

    for (; i < rest->len && rest->data[i] != '"'; i++) {
        char next = i + 1 < rest->len ? rest->data[i + 1] : '\0';

        if (rest->data[i] == '\\' && (next == '"' || next == '\\'))
            i++;
        if (buf_put_char(text, rest->data[i]) < 0)
            return no_room;
    }
    if (i == rest->len)
        return "a quoted parameter has no end";
    *value = str_slice(text->data + before, text->len - before);
    *rest = str_slice(rest->data + i + 1, rest->len - i - 1);
    return NULL;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!byte_is_token((unsigned char)s.data[i]))
            return false;
    return s.len > 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
static bool is_utf8(struct str s)
{
    static const struct {
        unsigned char from, to, low, high, more;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
        {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
        {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3}};

    for (size_t i = 0; i < s.len; i++) {
        unsigned char first = (unsigned char)s.data[i];
        size_t form = 0;

        while (form < COUNT_OF(forms) && (first < forms[form].from || first > forms[form].to))
            form++;
        if (form == COUNT_OF(forms) || s.len - i <= forms[form].more)
            return false;
        for (unsigned k = 1; k <= forms[form].more; k++) {
            unsigned char c = (unsigned char)s.data[++i];
            bool is_right =
                k == 1 ? c >= forms[form].low && c <= forms[form].high : (c & 0xc0) == 0x80;

            if (!is_right)
                return false;
        }
    }
    return true;
}
