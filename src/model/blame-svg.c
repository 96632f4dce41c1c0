/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/blame.h"

/* In pixels. */
#define MARGIN	       20
#define CHART_WIDTH    900
#define WIDTH	       (CHART_WIDTH + 2 * MARGIN)
#define HEAD_HEIGHT    64
#define AXIS_HEIGHT    24
#define ROW_HEIGHT     22
#define BAR_HEIGHT     16
#define STEPS_GAP      8 /* between the phases and the steps */
#define FOOT_HEIGHT    40
#define TEXT_GAP       6
#define LETTER_WIDTH   7 /* about, at the 12 pixels of the texts */
#define LEAST_BAR      2
#define TICKS_MAX      10
#define LEGEND_SPACING 180

/* Colours that people who see no red or green can tell apart as well. */
#define STYLE                                                                                      \
	"text{font:12px sans-serif;fill:#222}"                                                     \
	".title{font-size:18px;font-weight:bold}"                                                  \
	".faint{fill:#666}"                                                                        \
	".axis{stroke:#ddd}"                                                                       \
	".phase{fill:#c9d6e8}"                                                                     \
	".done{fill:#8fbbe0}"                                                                      \
	".decisive{fill:#2f6fad}"                                                                  \
	".failed{fill:#d1495b}"                                                                    \
	".unfinished{fill:#edae49}"                                                                \
	".light{fill:#fff}"

/* What XML may not have becomes a space. */
static void add_escaped(StrBuf *svg, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			str_buf_add(svg, "&amp;");
		else if (*text == '<')
			str_buf_add(svg, "&lt;");
		else if (*text == '>')
			str_buf_add(svg, "&gt;");
		else if (*text == '"')
			str_buf_add(svg, "&quot;");
		else
			str_buf_add(svg, "%c", (unsigned char) *text < ' ' ? ' ' : *text);
	}
}

static unsigned x_of(const StartTimes *times, uint64_t usec)
{
	uint64_t whole = times->took_usec > 0 ? times->took_usec : 1;

	return MARGIN + (unsigned) (usec * CHART_WIDTH / whole);
}

static unsigned y_of_row(const StartTimes *times, size_t row)
{
	return HEAD_HEIGHT + AXIS_HEIGHT + (unsigned) row * ROW_HEIGHT +
	       (row >= times->n_phases ? STEPS_GAP : 0);
}

/* 1, 2 or 5 times a power of ten, so that there are at most TICKS_MAX. */
static uint64_t tick_of(uint64_t whole_usec)
{
	static const unsigned factors[] = { 1, 2, 5 };

	for (uint64_t power = 1; power < UINT64_MAX / 100; power *= 10)
		for (size_t i = 0; i < ELEMENTSOF(factors); i++)
			if (whole_usec / (power * factors[i]) <= TICKS_MAX)
				return power * factors[i];
	return whole_usec;
}

static void add_axis(StrBuf *svg, const StartTimes *times, size_t n_rows)
{
	uint64_t tick = tick_of(times->took_usec);
	unsigned bottom = y_of_row(times, n_rows);
	char text[FORMAT_MAX];

	for (uint64_t usec = 0; usec <= times->took_usec; usec += tick) {
		unsigned x = x_of(times, usec);

		str_buf_add(svg,
			    "<line class=\"axis\" x1=\"%u\" y1=\"%d\" x2=\"%u\" y2=\"%u\"/>\n"
			    "<text class=\"faint\" x=\"%u\" y=\"%d\">%s</text>\n",
			    x, HEAD_HEIGHT, x, bottom, x + 3, HEAD_HEIGHT + BAR_HEIGHT - 3,
			    format_duration(text, usec));
	}
}

/* "external:data, failed (awaits /run/data.sock) 30.000s" */
static void add_label(StrBuf *svg, const StartSpan *span)
{
	char took[FORMAT_MAX];

	add_escaped(svg, span->name);
	if (span->end != SPAN_DONE)
		str_buf_add(svg, ", %s", span_end_to_string(span->end));
	if (span->awaits) {
		str_buf_add(svg, " (awaits ");
		add_escaped(svg, span->awaits);
		str_buf_add(svg, ")");
	}
	str_buf_add(svg, " %s", format_took(took, span->took_usec));
}

static const char *class_of(const StartSpan *span, bool phase)
{
	if (phase)
		return "phase";
	if (span->end != SPAN_DONE)
		return span_end_to_string(span->end);
	return span->decisive ? "decisive" : "done";
}

/* Where the text of a bar stands: behind it, before it, or where neither has room in it. */
static void add_text(StrBuf *svg, const char *label, unsigned x, unsigned end, unsigned y,
		     const char *bar_class)
{
	size_t width = strlen(label) * LETTER_WIDTH + TEXT_GAP;
	bool dark = streq(bar_class, "decisive") || streq(bar_class, "failed");

	if (end + width <= WIDTH)
		str_buf_add(svg, "<text x=\"%u\" y=\"%u\">%s</text>", end + TEXT_GAP, y, label);
	else if (width <= x)
		str_buf_add(svg, "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">%s</text>",
			    x - TEXT_GAP, y, label);
	else
		str_buf_add(svg, "<text x=\"%u\" y=\"%u\"%s>%s</text>", x + TEXT_GAP, y,
			    dark ? " class=\"light\"" : "", label);
}

/* 0 or -ENOMEM. */
static int add_bar(StrBuf *svg, const StartTimes *times, const StartSpan *span, size_t row,
		   bool phase)
{
	unsigned x = x_of(times, span->begin_usec), y = y_of_row(times, row);
	unsigned end = x_of(times, span->begin_usec + span->took_usec);
	const char *bar_class = class_of(span, phase);
	_cleanup_free_ char *label = NULL;
	StrBuf words = { 0 };

	if (end < x + LEAST_BAR)
		end = x + LEAST_BAR;
	add_label(&words, span);
	if (str_buf_take(&words, &label) < 0)
		return -ENOMEM;
	str_buf_add(svg, "<g><title>");
	add_escaped(svg, span->what ?: span->name);
	str_buf_add(svg,
		    "</title><rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%d\"/>",
		    bar_class, x, y, end - x, BAR_HEIGHT);
	add_text(svg, label, x, end, y + BAR_HEIGHT - 4, bar_class);
	str_buf_add(svg, "</g>\n");
	return 0;
}

static void add_head(StrBuf *svg, const StartTimes *times, const char *when, unsigned height)
{
	char took[FORMAT_MAX];

	str_buf_add(svg,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		    "viewBox=\"0 0 %d %u\">\n<style>" STYLE "</style>\n"
		    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		    "<text class=\"title\" x=\"%d\" y=\"28\">",
		    WIDTH, height, WIDTH, height, MARGIN);
	add_escaped(svg, times->name);
	if (times->runs)
		str_buf_add(svg, ": ran after %s", format_took(took, times->took_usec));
	else if (times->exit_code == 0)
		str_buf_add(svg, ": start was ended on request after %s",
			    format_took(took, times->took_usec));
	else
		str_buf_add(svg, ": start ended after %s with exit code %d",
			    format_took(took, times->took_usec), times->exit_code);
	str_buf_add(svg, "</text>\n<text class=\"faint\" x=\"%d\" y=\"48\">began ", MARGIN);
	add_escaped(svg, when);
	if (times->systemd_usec > 0)
		str_buf_add(svg, ", before it systemd took %s to make the unit's sandbox",
			    format_took(took, times->systemd_usec));
	if (times->cause) {
		str_buf_add(svg, ", ended by ");
		add_escaped(svg, times->cause);
	}
	str_buf_add(svg, "</text>\n");
}

static void add_legend(StrBuf *svg, unsigned y)
{
	static const char *const classes[] = { "phase", "done", "decisive", "failed",
					       "unfinished" };
	static const char *const words[] = { "phase", "step", "the start waited for it", "failed",
					     "unfinished" };

	for (size_t i = 0; i < ELEMENTSOF(classes); i++)
		str_buf_add(svg,
			    "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"12\" height=\"12\"/>"
			    "<text class=\"faint\" x=\"%u\" y=\"%u\">%s</text>\n",
			    classes[i], MARGIN + (unsigned) i * LEGEND_SPACING, y,
			    MARGIN + (unsigned) i * LEGEND_SPACING + 18, y + 11, words[i]);
}

int blame_to_svg(const StartTimes *times, const char *when, char **ret)
{
	_cleanup_(str_buf_done) StrBuf svg = { 0 };
	size_t n_rows = times->n_phases + times->n_steps;
	unsigned bottom = y_of_row(times, n_rows);
	int r = 0;

	add_head(&svg, times, when, bottom + FOOT_HEIGHT);
	add_axis(&svg, times, n_rows);
	for (size_t i = 0; r == 0 && i < times->n_phases; i++)
		r = add_bar(&svg, times, &times->phases[i], i, true);
	for (size_t i = 0; r == 0 && i < times->n_steps; i++)
		r = add_bar(&svg, times, &times->steps[i], times->n_phases + i, false);
	add_legend(&svg, bottom + 14);
	str_buf_add(&svg, "</svg>\n");
	return r < 0 ? r : str_buf_take(&svg, ret);
}
