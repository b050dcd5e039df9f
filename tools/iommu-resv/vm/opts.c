// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's option syntax (util/qemu-option.c, util/keyval.c, util/cutils.c): a list
 * KEY=VALUE,...; a comma in a value is written twice; the first value may lack its key,
 * if the option implies one; a key without value is a switch, and "no" before it turns
 * it off.  "-device" and "-object" accept JSON, too, which libvirt uses.
 */
#include <string.h>

#include "opts.h"
#include "vm.h"

#define OPTS_MAX	512
#define JSON_DEPTH_MAX	16

static void opts_add(struct opts *opts, const char *option, char *key, char *value)
{
	if (opts->nr == OPTS_MAX)
		vm_fail("%s has more than %d keys", option, OPTS_MAX);
	if (!(opts->nr & (opts->nr - 1)))
		opts->o = keep_more(opts->o, opts->nr * sizeof(*opts->o),
				    (opts->nr ? 2 * opts->nr : 1) * sizeof(*opts->o));
	opts->o[opts->nr++] = (struct opt) { key, value };
}

/* Up to the next single comma; of two, one is part of the value. */
static const char *take_value(const char *text, char **value)
{
	char *v = keep_alloc(strlen(text) + 1);

	*value = v;
	while (*text) {
		if (*text == ',' && text[1] != ',')
			break;
		if (*text == ',')
			text++;
		*v++ = *text++;
	}
	return text;
}

/* Underscores and dashes are the same to -machine and -cpu; no other key has any. */
static void dashify(char *key)
{
	for (; *key; key++)
		if (*key == '_')
			*key = '-';
}

/**
 * opts_parse() - KEY=VALUE,...
 * @opts: to add to
 * @option: for messages
 * @text: what the option has
 * @implied: key of a first value without one, or NULL
 */
void opts_parse(struct opts *opts, const char *option, const char *text,
		const char *implied)
{
	while (*text) {
		size_t len = strcspn(text, "=,");
		char *key, *value;

		if (text[len] == '=') {
			key = keep_part(text, len);
			text = take_value(text + len + 1, &value);
		} else if (implied) {
			key = keep_string(implied);
			text = take_value(text, &value);
		} else {
			key = keep_part(text, len);
			value = keep_string("on");
			if (!strncmp(key, "no", 2)) {
				key += 2;
				value = keep_string("off");
			}
			text += len;
		}
		dashify(key);
		opts_add(opts, option, key, value);
		implied = NULL;
		text += *text == ',';
	}
}

/**
 * struct json_reader - JSON being taken apart
 * @opts: to add to
 * @option: for messages
 * @at: next character
 */
struct json_reader {
	struct opts *opts;
	const char *option;
	const char *at;
};

static void json_bad(const struct json_reader *r, const char *what)
{
	vm_fail("%s: invalid JSON: %s at '%.20s'", r->option, what,
		r->at);
}

static void json_blanks(struct json_reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static unsigned int json_hex(struct json_reader *r)
{
	unsigned int value = 0, i;

	for (i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		const char *d = *r->at ? strchr(digits, *r->at) : NULL;

		if (!d)
			json_bad(r, "not a hexadecimal digit");
		value = value << 4 |
			(unsigned int)(d - digits < 16 ? d - digits : d - digits - 6);
		r->at++;
	}
	return value;
}

/* No key and no value that matters here has other characters than ASCII. */
static char json_escape(struct json_reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *f;
	unsigned int code;

	if (*r->at == 'u') {
		r->at++;
		code = json_hex(r);
		return code && code < 0x80 ? (char)code : '?';
	}
	f = *r->at ? strchr(from, *r->at) : NULL;
	if (!f)
		json_bad(r, "bad escape");
	r->at++;
	return to[f - from];
}

static char *json_text(struct json_reader *r)
{
	char *text = keep_alloc(strlen(r->at) + 1), *t = text;
	char quote = *r->at;

	/* QEMU accepts single quotes, too. */
	if (quote != '"' && quote != '\'')
		json_bad(r, "no string");
	r->at++;
	while (*r->at != quote) {
		if (!*r->at)
			json_bad(r, "string does not end");
		if (*r->at == '\\') {
			r->at++;
			*t++ = json_escape(r);
		} else {
			*t++ = *r->at++;
		}
	}
	r->at++;
	return text;
}

static void json_any(struct json_reader *r, const char *key, unsigned int depth);

static void json_members(struct json_reader *r, const char *key, char close,
			 unsigned int depth)
{
	unsigned int index = 0;
	char *name;

	r->at++;
	json_blanks(r);
	if (*r->at == close) {
		r->at++;
		return;
	}
	for (;;) {
		json_blanks(r);
		if (close == '}') {
			name = json_text(r);
			json_blanks(r);
			if (*r->at != ':')
				json_bad(r, "no colon");
			r->at++;
		} else {
			name = keep_printf("%u", index++);
		}
		json_any(r, key ? keep_printf("%s.%s", key, name) : name, depth);
		json_blanks(r);
		if (*r->at == close)
			break;
		if (*r->at != ',')
			json_bad(r, "no comma");
		r->at++;
	}
	r->at++;
}

static void json_any(struct json_reader *r, const char *key, unsigned int depth)
{
	size_t len;
	char *word;

	if (depth == JSON_DEPTH_MAX)
		json_bad(r, "nested too deeply");
	json_blanks(r);
	if (*r->at == '{' || *r->at == '[') {
		json_members(r, key, *r->at == '{' ? '}' : ']', depth + 1);
		return;
	}
	if (*r->at == '"' || *r->at == '\'') {
		opts_add(r->opts, r->option, keep_string(key), json_text(r));
		return;
	}
	len = strspn(r->at, "0123456789abcdefghijklmnopqrstuvwxyz+-.E");
	if (!len)
		json_bad(r, "no value");
	word = keep_part(r->at, len);
	r->at += len;
	if (!strcmp(word, "true"))
		word = keep_string("on");
	else if (!strcmp(word, "false"))
		word = keep_string("off");
	else if (!strcmp(word, "null"))
		return;
	else if (strspn(word, "0123456789+-.eE") != len)
		json_bad(r, "no value");
	opts_add(r->opts, r->option, keep_string(key), word);
}

/**
 * opts_json() - a JSON object
 * @opts: to add to; members of members get keys like "a.b"
 * @option: for messages
 * @text: the object
 */
void opts_json(struct opts *opts, const char *option, const char *text)
{
	struct json_reader r = { .opts = opts, .option = option, .at = text };

	json_blanks(&r);
	if (*r.at != '{')
		json_bad(&r, "no object");
	json_members(&r, NULL, '}', 1);
	json_blanks(&r);
	if (*r.at)
		json_bad(&r, "more text");
}

const char *opts_get(const struct opts *opts, const char *key)
{
	size_t i;

	for (i = opts->nr; i-- > 0;)
		if (!strcmp(opts->o[i].key, key))
			return opts->o[i].value;
	return NULL;
}

/* As qapi_bool_parse() accepts them. */
bool opts_bool(const struct opts *opts, const char *key, bool unset)
{
	const char *value = opts_get(opts, key);

	if (!value)
		return unset;
	if (!strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true") ||
	    !strcmp(value, "y"))
		return true;
	if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false") ||
	    !strcmp(value, "n"))
		return false;
	vm_fail("%s=%s: neither on nor off", key, value);
}

static bool digits_parse(const char **text, unsigned int base, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *start = *text;

	for (*value = 0; **text; (*text)++) {
		char c = **text;
		const char *d;
		uint64_t digit;

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		d = strchr(digits, c);
		if (!d || d - digits >= (int)base)
			break;
		digit = (uint64_t)(d - digits);
		if (*value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return *text != start;
}

/* A plain number, hexadecimal with 0x; false if there is no such key. */
bool opts_number(const struct opts *opts, const char *key, uint64_t *value)
{
	const char *text = opts_get(opts, key), *at = text;

	if (!text)
		return false;
	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		at += 2;
		if (digits_parse(&at, 16, value) && !*at)
			return true;
	} else if (digits_parse(&at, 10, value) && !*at) {
		return true;
	}
	vm_fail("%s=%s: not a number", key, text);
}

/* Power of 1024 that a letter stands for, or -1. */
static int unit_power(char unit)
{
	static const char units[] = "BKMGTPE";
	const char *u;

	if (unit >= 'a' && unit <= 'z')
		unit = (char)(unit - 'a' + 'A');
	u = unit ? strchr(units, unit) : NULL;
	return u ? (int)(u - units) : -1;
}

__extension__ typedef unsigned __int128 uint128;

/**
 * size_parse() - as QEMU's do_strtosz() reads a size
 * @text: "4G", "1.5T", "0x100000", ...
 * @unit: unit of a number without one
 * @value: the size in bytes
 *
 * A fraction is rounded to the nearest byte, half upward.
 *
 * Return: true if it is one
 */
bool size_parse(const char *text, char unit, uint64_t *value)
{
	uint64_t whole, part = 0, scale = 1;
	uint128 size;
	int power;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		if (!digits_parse(&text, 16, &whole))
			return false;
	} else {
		if (!digits_parse(&text, 10, &whole))
			return false;
		if (*text == '.') {
			for (text++; *text >= '0' && *text <= '9'; text++) {
				if (scale > UINT64_C(10000000000000000))
					continue;
				part = 10 * part + (uint64_t)(*text - '0');
				scale *= 10;
			}
		}
	}
	power = unit_power(*text);
	if (power >= 0)
		text++;
	else
		power = unit_power(unit);
	if (*text || power < 0 || (part && !power))
		return false;
	size = ((uint128)whole << (10 * power)) +
	       (((uint128)part << (10 * power)) + scale / 2) / scale;
	if (size > VM_SIZE_MAX)
		return false;
	*value = (uint64_t)size;
	return true;
}

bool opts_size(const struct opts *opts, const char *key, char unit, uint64_t *value)
{
	const char *text = opts_get(opts, key);

	if (!text)
		return false;
	if (!size_parse(text, unit, value))
		vm_fail("%s=%s: not a size, or larger than any machine", key, text);
	return true;
}
