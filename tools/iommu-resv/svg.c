// SPDX-License-Identifier: GPL-2.0-only
/*
 * A picture as SVG: one file without scripts, fonts or references to others.  The colours are
 * chosen by the reader's prefers-color-scheme; patterns and words say the same, and each box
 * has a title.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "picture.h"
#include "utf8.h"

#define WIDTH		1040
#define MARGIN		16
#define LINE		18
#define STEP_MIN	22
/* Maximum width of a character of a monospaced font of 12 pixels. */
#define CHARACTER	7.5

/* Columns, by their left or, for numbers, right ends */
#define X_START		150
#define X_SIZE		212
#define X_HOST		224
#define X_GUEST		314
#define X_NAME		404
#define X_LABEL		514
#define BAR		84
#define SAMPLE		28

static const char *const classes[HOST_STATES] = {
	[HOST_REFUSED] = "refused",
	[HOST_UNKNOWN] = "unknown",
	[HOST_ADVICE] = "advice",
	[HOST_USABLE] = "usable",
};

/* Characters that XML forbids, and those that change the direction of a line */
static bool is_shown(const unsigned char *s, unsigned int len)
{
	static const char *const hidden[] = {
		"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
		"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8",
		"\xe2\x81\xa9", "\xef\xbf\xbe", "\xef\xbf\xbf",
	};
	size_t i;

	if (len == 1)
		return *s >= ' ' && *s != 0x7f;
	if (len == 2)
		return s[0] != 0xc2 || s[1] >= 0xa0;
	for (i = 0; len == 3 && i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!memcmp(s, hidden[i], 3))
			return false;
	return len > 0;
}

static unsigned int length(const unsigned char *s)
{
	return *s < 0x80 ? 1 : utf8_len(s);
}

/*
 * The first characters of @text in @room columns; a character that is not ASCII may
 * take two of them.
 */
static void escape(FILE *out, const char *text, size_t room)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len;

	for (; *s; s += len ?: 1) {
		len = length(s);
		if (room < (len == 1 ? 1 : 2))
			return;
		room -= len == 1 ? 1 : 2;
		if (!is_shown(s, len))
			fputs("\xef\xbf\xbd", out);
		else if (strchr("&<>\"'", *s))
			fprintf(out, "&#%u;", (unsigned int)*s);
		else
			fwrite(s, 1, len, out);
	}
}

static size_t text_columns(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t nr = 0;

	while (*s) {
		unsigned int len = length(s);

		nr += len == 1 ? 1 : 2;
		s += len ?: 1;
	}
	return nr;
}

/* Cut text that may be too long; a pointer over it shows all of it. */
static void put_text(FILE *out, unsigned int x, unsigned int y, const char *class,
		     const char *text)
{
	size_t room = (size_t)((WIDTH - MARGIN - x) / CHARACTER);
	bool cut = text_columns(text) > room;

	fprintf(out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	if (cut) {
		fputs("<title>", out);
		escape(out, text, SIZE_MAX);
		fputs("</title>", out);
	}
	escape(out, text, cut ? room - 2 : room);
	fputs(cut ? "\xe2\x80\xa6</text>\n" : "</text>\n", out);
}

/* Takes ownership of @text. */
static void put_number(FILE *out, unsigned int x, unsigned int y, char *text)
{
	fprintf(out, "<text x=\"%u\" y=\"%u\" class=\"number\">%s</text>\n", x, y, text);
	free(text);
}

static void put_box(FILE *out, unsigned int x, unsigned int y, unsigned int width,
		    unsigned int height, const char *class, const char *title)
{
	fprintf(out, "<g><title>");
	escape(out, title, SIZE_MAX);
	fprintf(out, "</title><rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" class=\"plain\"/>"
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" class=\"%s\"/></g>\n",
		x, y, width, height, x, y, width, height, class);
}

static unsigned int step_height(const struct step *step)
{
	unsigned int bits = picture_bits(&step->at);
	unsigned int height = STEP_MIN + (bits > 12 ? bits - 12 : 0) / 2;
	unsigned int lines = (unsigned int)step->nr_labels * LINE + 4;

	return height > lines ? height : lines;
}

static const char *hit_class(enum severity hit)
{
	return hit == FINDING_NO ? "no" : hit == FINDING_WARNING ? "warning" : "text";
}

static void put_step(const struct control *ctl, FILE *out, const struct step *step,
		     unsigned int y)
{
	unsigned int height = step_height(step);
	char *size = format_size(ctl, &step->at, 1);
	char *at = keep_printf("0x%llx-0x%llx (%s): ",
			       (unsigned long long)step->at.start,
			       (unsigned long long)step->at.end, size);
	size_t i;

	put_number(out, X_START, y + 15, format_address(step->at.start));
	put_number(out, X_SIZE, y + 15, size);
	put_box(out, X_HOST, y, BAR, height, classes[step->host],
		keep_printf("%s%s", at, host_state_names[step->host]));
	if (step->guest) {
		put_box(out, X_GUEST, y, BAR, height,
			step->hit == FINDING_NO ? "guest hit" : "guest",
			keep_printf("%s%s of the guest%s", at, step->guest,
				    step->hit == FINDING_NO ? ", where it cannot be" : ""));
		put_text(out, X_NAME, y + 15, "text", step->guest);
	}
	for (i = 0; i < step->nr_labels; i++)
		put_text(out, X_LABEL, y + 15 + (unsigned int)i * LINE,
			 hit_class(step->labels[i].hit), picture_hit(&step->labels[i]));
}

/* The meaning of a pattern; returns the place of the next one. */
static unsigned int put_meaning(FILE *out, unsigned int x, unsigned int y,
				const char *class, const char *meaning)
{
	put_box(out, x, y - 12, SAMPLE, 16, class, meaning);
	put_text(out, x + SAMPLE + 8, y, "text", meaning);
	return x + SAMPLE + 32 + (unsigned int)((double)strlen(meaning) * CHARACTER);
}

static void put_legend(FILE *out, const struct picture *p, unsigned int y)
{
	struct seen seen;
	unsigned int x = MARGIN;
	size_t i;

	picture_seen(p, &seen);
	for (i = HOST_STATES; i--;)
		if (seen.host[i])
			x = put_meaning(out, x, y, classes[i], host_state_names[i]);
	if (seen.guest)
		x = put_meaning(out, x, y, "guest", "guest");
	if (seen.hit)
		put_meaning(out, x, y, "guest hit", "guest where it cannot be");
}

static unsigned int picture_height(const struct picture *p)
{
	size_t lines = p->heads.nr + p->remarks.nr + 3;
	unsigned int height = (unsigned int)lines * LINE + 4 * MARGIN;
	size_t i;

	for (i = 0; i < p->nr; i++)
		height += step_height(&p->steps[i]);
	return height;
}

static void put_style(FILE *out)
{
	fputs("<style>\n"
	      ".paper, .plain { fill: #ffffff }\n"
	      "text { font: 12px monospace; fill: #1b1f23 }\n"
	      ".number { text-anchor: end }\n"
	      ".plain, .usable, .refused, .advice, .unknown, .guest { stroke: #1b1f23 }\n"
	      ".usable { fill: #9fdca8 }\n"
	      ".unknown { fill: none; stroke-dasharray: 4 3 }\n"
	      ".refused { fill: url(#lines) }\n"
	      ".advice { fill: url(#dots) }\n"
	      ".guest { fill: #a9c7f5 }\n"
	      ".hit { fill: url(#cross); stroke: #c00000; stroke-width: 3 }\n"
	      ".ground { fill: #f3b0b0 }\n"
	      ".line { stroke: #8a1010; stroke-width: 2; fill: none }\n"
	      ".dot { fill: #7a2ca0 }\n"
	      ".no { fill: #b00000; font-weight: bold }\n"
	      ".warning { fill: #7a2ca0 }\n"
	      "@media (prefers-color-scheme: dark) {\n"
	      ".paper, .plain { fill: #15191e }\n"
	      "text { fill: #e6e6e6 }\n"
	      ".plain, .usable, .refused, .advice, .unknown, .guest { stroke: #e6e6e6 }\n"
	      ".usable { fill: #2f7d3b }\n"
	      ".guest { fill: #35609f }\n"
	      ".hit { fill: url(#cross); stroke: #ff6b6b }\n"
	      ".ground { fill: #5c1f1f }\n"
	      ".line { stroke: #ff8a8a }\n"
	      ".dot { fill: #d7a3f5 }\n"
	      ".no { fill: #ff8a8a }\n"
	      ".warning { fill: #d7a3f5 }\n"
	      "}\n"
	      "</style>\n"
	      "<defs>\n"
	      "<pattern id=\"lines\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	      "<rect width=\"8\" height=\"8\" class=\"ground\"/>"
	      "<path d=\"M-2 2L2 -2M0 8L8 0M6 10L10 6\" class=\"line\"/></pattern>\n"
	      "<pattern id=\"cross\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	      "<rect width=\"8\" height=\"8\" class=\"ground\"/>"
	      "<path d=\"M0 0L8 8M0 8L8 0\" class=\"line\"/></pattern>\n"
	      "<pattern id=\"dots\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	      "<circle cx=\"4\" cy=\"4\" r=\"2\" class=\"dot\"/></pattern>\n"
	      "</defs>\n", out);
}

static unsigned int put_lines(FILE *out, const struct words *lines, unsigned int y)
{
	size_t i;

	for (i = 0; i < lines->nr; i++, y += LINE)
		put_text(out, MARGIN, y, "text", lines->w[i]);
	return y;
}

/* The last word is the answer. */
static void put_title(FILE *out, const struct picture *p)
{
	fputs("<title>", out);
	escape(out, p->heads.nr ? p->heads.w[0] : "", SIZE_MAX);
	fputs("</title>\n", out);
	if (!p->remarks.nr)
		return;
	fputs("<desc>", out);
	escape(out, p->remarks.w[p->remarks.nr - 1], SIZE_MAX);
	fputs("</desc>\n", out);
}

/**
 * picture_svg() - draw it as SVG
 * @ctl: options
 * @p: the picture
 * @out: where it is written
 */
void picture_svg(const struct control *ctl, const struct picture *p, FILE *out)
{
	unsigned int height = picture_height(p), y;
	struct control short_sizes = *ctl;
	size_t i;

	/* The picture has no room for sizes in bytes. */
	short_sizes.bytes = false;

	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" role=\"img\">\n", WIDTH, height, WIDTH, height);
	put_title(out, p);
	put_style(out);
	fprintf(out, "<rect width=\"%u\" height=\"%u\" class=\"paper\"/>\n", WIDTH, height);
	y = put_lines(out, &p->heads, 2 * MARGIN) + LINE;
	put_text(out, X_HOST, y, "text", "HOST");
	if (p->has_guest)
		put_text(out, X_GUEST, y, "text", "GUEST");
	y += MARGIN / 2;
	for (i = 0; i < p->nr; i++) {
		put_step(&short_sizes, out, &p->steps[i], y);
		y += step_height(&p->steps[i]);
	}
	put_legend(out, p, y + 2 * MARGIN);
	put_lines(out, &p->remarks, y + 2 * MARGIN + LINE + 8);
	fputs("</svg>\n", out);
}
