// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command line as it is written in a script, a log or a manual, or as
 * /proc/PID/cmdline has it.  Quotes and backslashes have the meaning that a shell gives
 * them; what only a shell can expand (variables, commands) is refused.
 */
#include <string.h>

#include "vm.h"

#define WORDS_MAX	4096

/**
 * struct reader - where we are in the text
 * @at: next character
 * @buf: the word so far
 * @len: its length
 * @open: there is a word, maybe an empty one
 * @drop: the word is the target of a redirection
 */
struct reader {
	const char *at;
	char *buf;
	size_t len;
	bool open;
	bool drop;
};

static void put(struct reader *r, char c)
{
	r->buf[r->len++] = c;
	r->open = true;
}

static void end_word(struct reader *r, struct words *words)
{
	if (r->open && !r->drop) {
		if (words->nr == WORDS_MAX)
			vm_fail("more than %d words in one command line", WORDS_MAX);
		words_add(words, keep_part(r->buf, r->len));
	}
	if (r->open)
		r->drop = false;
	r->open = false;
	r->len = 0;
}

static void refuse_expansion(const char *at)
{
	vm_fail("the command line has something that only a shell can expand: '%.20s'; give it in expanded form, for instance from 'ps -ww' or /proc/PID/cmdline",
		at);
}

static void quoted(struct reader *r)
{
	char quote = *r->at++;

	r->open = true;
	for (; *r->at && *r->at != quote; r->at++) {
		if (quote == '"' && (*r->at == '$' || *r->at == '`'))
			refuse_expansion(r->at);
		if (quote == '"' && *r->at == '\\' && r->at[1] &&
		    strchr("\\\"$`\n", r->at[1])) {
			r->at++;
			if (*r->at == '\n')
				continue;
		}
		put(r, *r->at);
	}
	if (!*r->at)
		vm_fail("a quote (%c) does not end", quote);
	r->at++;
}

static void redirection(struct reader *r, struct words *words)
{
	if (r->open && strspn(r->buf, "0123456789") >= r->len)
		r->open = false;
	end_word(r, words);
	r->at += strspn(r->at, "<>&");
	r->drop = true;
	/* "2>&1" already has its target. */
	while (*r->at >= '0' && *r->at <= '9') {
		r->at++;
		r->drop = false;
	}
}

/* Read one command; the reader is behind it afterwards. */
static void one_command(struct reader *r, struct words *words)
{
	while (*r->at && !strchr(";&|\n", *r->at)) {
		switch (*r->at) {
		case ' ':
		case '\t':
		case '\r':
			end_word(r, words);
			r->at++;
			break;
		case '\'':
		case '"':
			quoted(r);
			break;
		case '\\':
			r->at++;
			if (*r->at == '\r' && r->at[1] == '\n')
				r->at++;
			if (*r->at && *r->at != '\n')
				put(r, *r->at);
			r->at += *r->at != '\0';
			break;
		case '$':
		case '`':
			refuse_expansion(r->at);
			break;
		case '#':
			if (r->open)
				put(r, *r->at++);
			else
				r->at += strcspn(r->at, "\n");
			break;
		case '<':
		case '>':
			redirection(r, words);
			break;
		default:
			put(r, *r->at++);
		}
	}
	if (*r->at == '&' && r->at[1] == '>')
		redirection(r, words);
	end_word(r, words);
	r->drop = false;
	r->at += strspn(r->at, ";&|\n");
}

/**
 * shell_split() - the words of a text that holds one command, or the end of one
 * @text: the text
 * @words: to add to
 */
void shell_split(const char *text, struct words *words)
{
	struct reader r = { .at = text, .buf = keep_alloc(strlen(text) + 1) };

	while (*r.at)
		one_command(&r, words);
}

/* From the program on: words before it (env, sudo, numactl) do not concern the VM. */
static bool from_program(const struct words *command, struct words *words)
{
	size_t i;

	for (i = 0; i < command->nr; i++)
		if (shell_is_qemu(command->w[i]) ||
		    shell_is_cloud_hypervisor(command->w[i]))
			break;
	if (i == command->nr)
		return false;
	/* "-name kvm" or "which kvm" start no VM. */
	if (i + 1 == command->nr && i)
		return false;
	if (words->nr)
		vm_fail("more than one command that starts a VM: give only one");
	for (; i < command->nr; i++)
		words_add(words, command->w[i]);
	return true;
}

/**
 * shell_words() - the words of the command that starts the VM
 * @in: the file
 * @words: to fill; the first is the program
 */
void shell_words(const struct vm_input *in, struct words *words)
{
	struct words command = { 0 };
	size_t at;

	*words = (struct words) { 0 };
	if (memchr(in->text, '\0', in->len)) {
		for (at = 0; at < in->len; at += strlen(in->text + at) + 1) {
			if (command.nr == WORDS_MAX)
				vm_fail("more than %d words in one command line",
					WORDS_MAX);
			words_add(&command, in->text + at);
		}
		from_program(&command, words);
	} else {
		struct reader r = {
			.at = in->text,
			.buf = keep_alloc(in->len + 1),
		};

		while (*r.at) {
			command = (struct words) { 0 };
			one_command(&r, &command);
			from_program(&command, words);
		}
	}
	if (!words->nr)
		vm_fail("%s: not a command that starts a VM", in->file);
}
