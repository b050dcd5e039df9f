// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws a picture in a terminal.  No line is wider than the terminal; text that does not
 * fit next to a step continues in the next line, and so do the bars.  The characters show
 * everything, and colours only repeat it: green, red and magenta can be read on light and
 * dark backgrounds.
 */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "format.h"
#include "picture.h"
#include "xalloc.h"

#define WIDTH_USUAL	80
#define WIDTH_MIN	40
/* Omit other columns if the text would have fewer characters than this. */
#define TEXT_MIN	16
/* Terminals at least this wide show the ends of ranges, too. */
#define WIDTH_ENDS	100
/* As wide as the headings above them */
#define BAR		5
/* If a picture has more steps than this, all are one line high. */
#define HIGH_STEPS	16

#define RED		"31"
#define GREEN		"32"
#define MAGENTA		"35"
#define BOLD_RED	"1;31"

/**
 * struct screen - the terminal, and the columns of the picture; widths are in characters
 * @utf8: it shows more than ASCII
 * @colour: it shows colours
 * @width: its width
 * @blanks: number of blanks to write before the next text in this line
 * @start: width of the column of first addresses
 * @end: width of the column of last addresses, 0 if it is omitted
 * @size: width of the column of sizes, 0 if it is omitted
 * @guest: the picture shows a guest
 * @name: width of the column with the names of the guest's areas, 0 if the text has them
 * @text: width of the text
 */
struct screen {
	bool utf8;
	bool colour;
	size_t width;
	size_t blanks;
	size_t start;
	size_t end;
	size_t size;
	bool guest;
	size_t name;
	size_t text;
};

static const struct {
	const char *utf8;
	char ascii;
	const char *colour;
} bars[HOST_STATES] = {
	[HOST_REFUSED] = { "\xe2\x95\xb3", 'X', RED },
	[HOST_UNKNOWN] = { "?", '?', NULL },
	[HOST_ADVICE] = { "\xe2\x96\x91", ':', MAGENTA },
	[HOST_USABLE] = { "\xe2\x96\x88", '#', GREEN },
};

#define GUEST_UTF8	"\xe2\x96\x93"
#define GUEST_ASCII	"="
#define GUEST_HIT	"!"

static size_t columns(void)
{
	const char *env = getenv("COLUMNS");
	struct winsize size;
	size_t width = WIDTH_USUAL;

	if (!isatty(STDOUT_FILENO))
		return WIDTH_USUAL;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	else if (env && strtoul(env, NULL, 10) && strtoul(env, NULL, 10) < 1000)
		width = strtoul(env, NULL, 10);
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

static bool has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && *term && strcmp(term, "dumb");
}

/* Width of the character at @s, and in @len its bytes; 0 if it must not be shown */
static size_t char_width(const struct screen *sc, const char *s, size_t *len)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t n;
	int width;

	*len = 1;
	if ((unsigned char)*s < 0x80)
		return *s >= ' ' && *s != 0x7f;
	n = mbrtowc(&wc, s, strlen(s), &state);
	if (!sc->utf8 || n == (size_t)-1 || n == (size_t)-2)
		return 0;
	*len = n;
	width = iswprint((wint_t)wc) ? wcwidth(wc) : 0;
	return width > 0 ? (size_t)width : 0;
}

/*
 * Any user may have written the files with the names: print nothing that moves the
 * cursor.
 */
static char *printable(const struct screen *sc, const char *text)
{
	char *copy = keep_alloc(strlen(text) + 1), *to = copy;
	size_t len;

	for (; *text; text += len) {
		if (!char_width(sc, text, &len)) {
			*to++ = '?';
			continue;
		}
		memcpy(to, text, len);
		to += len;
	}
	return copy;
}

/* How many bytes of @text go into a line of @room columns; words are kept whole if possible. */
static size_t line_len(const struct screen *sc, const char *text, size_t room)
{
	size_t at = 0, blank = 0, used = 0, len;

	while (text[at]) {
		used += char_width(sc, text + at, &len);
		if (used > room)
			return blank ? blank : at ? at : len;
		if (text[at] == ' ')
			blank = at;
		at += len;
	}
	return at;
}

static void split(const struct screen *sc, const char *text, size_t room,
		  struct words *lines)
{
	text = printable(sc, text);
	while (*text) {
		size_t len = line_len(sc, text, room);

		words_add(lines, keep_part(text, len));
		text += len;
		text += *text == ' ';
	}
}

/* Print no blanks at the end of a line. */
static void put(struct screen *sc, const char *colour, const char *text)
{
	if (!*text)
		return;
	printf("%*s", (int)sc->blanks, "");
	sc->blanks = 0;
	if (colour && *colour && sc->colour)
		printf("\033[%sm%s\033[0m", colour, text);
	else
		fputs(text, stdout);
}

static void end_line(struct screen *sc)
{
	sc->blanks = 0;
	putchar('\n');
}

static void put_right(struct screen *sc, size_t width, char *text)
{
	size_t len = strlen(text);

	sc->blanks += width > len ? width - len : 0;
	put(sc, NULL, text);
	free(text);
	sc->blanks++;
}

static void put_left(struct screen *sc, size_t width, const char *text)
{
	put(sc, NULL, text);
	sc->blanks += width - strlen(text) + 1;
}

static void put_bar(struct screen *sc, const char *colour, const char *character)
{
	char bar[BAR * 4 + 1] = "";
	size_t i;

	for (i = 0; i < BAR; i++)
		strcat(bar, character);
	put(sc, colour, bar);
	sc->blanks++;
}

static const char *host_character(const struct screen *sc, enum host_state state)
{
	static char ascii[2];

	ascii[0] = bars[state].ascii;
	return sc->utf8 ? bars[state].utf8 : ascii;
}

static void put_bars(struct screen *sc, const struct step *step)
{
	put_bar(sc, bars[step->host].colour, host_character(sc, step->host));
	if (!sc->guest)
		return;
	if (!step->guest)
		sc->blanks += BAR + 1;
	else if (step->hit == FINDING_NO)
		put_bar(sc, BOLD_RED, GUEST_HIT);
	else
		put_bar(sc, NULL, sc->utf8 ? GUEST_UTF8 : GUEST_ASCII);
}

/* The number of lines shows the size: two from 1 GiB on, three from 1 TiB on. */
static size_t height(const struct picture *p, const struct step *step)
{
	unsigned int bits = picture_bits(&step->at);

	return p->nr > HIGH_STEPS || bits < 30 ? 1 : bits < 40 ? 2 : 3;
}

/* The left half of a line: in the first one of a step the addresses */
static void put_place(const struct control *ctl, struct screen *sc,
		      const struct step *step, bool first)
{
	if (!first) {
		sc->blanks += sc->start + 1 + (sc->end ? sc->end + 1 : 0) +
			      (sc->size ? sc->size + 1 : 0);
		return;
	}
	put_right(sc, sc->start, format_address(step->at.start));
	if (sc->end)
		put_right(sc, sc->end, format_address(step->at.end));
	if (sc->size)
		put_right(sc, sc->size, format_size(ctl, &step->at, 1));
}

/**
 * struct lines - the text beside a step
 * @text: its lines
 * @colour: colour of each line, "" for none
 */
struct lines {
	struct words text;
	struct words colour;
};

static void add_lines(const struct screen *sc, const char *text, const char *colour,
		      struct lines *lines)
{
	split(sc, text, sc->text, &lines->text);
	while (lines->colour.nr < lines->text.nr)
		words_add(&lines->colour, keep_string(colour));
}

static void add_label(const struct screen *sc, const struct label *label,
		      struct lines *lines)
{
	const char *colour = label->hit == FINDING_NO ? BOLD_RED :
			     label->hit == FINDING_WARNING ? MAGENTA : "";

	add_lines(sc, picture_hit(label), colour, lines);
}

static void draw_step(const struct control *ctl, struct screen *sc,
		      const struct picture *p, const struct step *step)
{
	size_t i, rows = height(p, step);
	struct lines lines = { 0 };

	if (step->guest && !sc->name)
		add_lines(sc, step->guest, "", &lines);
	for (i = 0; i < step->nr_labels; i++)
		add_label(sc, &step->labels[i], &lines);
	if (rows < lines.text.nr)
		rows = lines.text.nr;
	for (i = 0; i < rows; i++) {
		put_place(ctl, sc, step, !i);
		put_bars(sc, step);
		if (sc->name)
			put_left(sc, sc->name, i || !step->guest ? "" : step->guest);
		if (i < lines.text.nr)
			put(sc, lines.colour.w[i], lines.text.w[i]);
		end_line(sc);
	}
}

static size_t longer(size_t width, char *text)
{
	size_t len = strlen(text);

	free(text);
	return len > width ? len : width;
}

static size_t columns_used(const struct screen *sc)
{
	return sc->start + 1 + (sc->end ? sc->end + 1 : 0) + (sc->size ? sc->size + 1 : 0) +
	       BAR + 1 + (sc->guest ? BAR + 1 : 0) + (sc->name ? sc->name + 1 : 0);
}

/*
 * How wide is each column?  A narrow terminal omits some columns, to leave room for the
 * text.
 */
static void measure(const struct control *ctl, const struct picture *p, struct screen *sc)
{
	size_t i;

	sc->start = strlen("START");
	sc->size = strlen("SIZE");
	sc->guest = p->has_guest;
	for (i = 0; i < p->nr; i++) {
		sc->start = longer(sc->start, format_address(p->steps[i].at.start));
		sc->size = longer(sc->size, format_size(ctl, &p->steps[i].at, 1));
		if (p->steps[i].guest && strlen(p->steps[i].guest) > sc->name)
			sc->name = strlen(p->steps[i].guest);
	}
	if (sc->width >= WIDTH_ENDS)
		sc->end = strlen("0xffffffffffffffff");
	if (columns_used(sc) + TEXT_MIN > sc->width)
		sc->end = 0;
	if (columns_used(sc) + TEXT_MIN > sc->width)
		sc->size = 0;
	if (columns_used(sc) + TEXT_MIN > sc->width)
		sc->name = 0;
	sc->text = sc->width - columns_used(sc);
}

static void draw_headings(struct screen *sc)
{
	put_right(sc, sc->start, xstrdup("START"));
	if (sc->end)
		put_right(sc, sc->end, xstrdup("END"));
	if (sc->size)
		put_right(sc, sc->size, xstrdup("SIZE"));
	put_left(sc, BAR, "HOST");
	if (sc->guest)
		put(sc, NULL, "GUEST");
	end_line(sc);
}

static void draw_words(struct screen *sc, const struct words *words)
{
	size_t i, k;

	for (i = 0; i < words->nr; i++) {
		struct words lines = { 0 };

		split(sc, words->w[i], sc->width, &lines);
		for (k = 0; k < lines.nr; k++)
			puts(lines.w[k]);
	}
}

/* The legend: what the characters in the picture mean */
static void draw_legend(struct screen *sc, const struct picture *p)
{
	struct seen seen;
	struct words legend = { 0 };
	char *text = NULL;
	size_t i;

	picture_seen(p, &seen);
	for (i = HOST_STATES; i--;)
		if (seen.host[i])
			text = keep_printf("%s%s%s %s", text ?: "", text ? ", " : "",
					   host_character(sc, (enum host_state)i),
					   host_state_names[i]);
	if (seen.guest)
		text = keep_printf("%s, %s guest", text, sc->utf8 ? GUEST_UTF8 : GUEST_ASCII);
	if (seen.hit)
		text = keep_printf("%s, %s guest where it cannot be", text, GUEST_HIT);
	words_add(&legend, text);
	draw_words(sc, &legend);
}

/**
 * picture_draw() - draw it on standard output
 * @ctl: options
 * @p: the picture
 */
void picture_draw(const struct control *ctl, const struct picture *p)
{
	struct screen sc = {
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.colour = has_colour(),
		.width = columns(),
	};
	size_t i;

	measure(ctl, p, &sc);
	draw_words(&sc, &p->heads);
	putchar('\n');
	if (!ctl->noheadings)
		draw_headings(&sc);
	for (i = 0; i < p->nr; i++)
		draw_step(ctl, &sc, p, &p->steps[i]);
	putchar('\n');
	draw_legend(&sc, p);
	draw_words(&sc, &p->remarks);
}
