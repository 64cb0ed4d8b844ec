// SPDX-License-Identifier: MIT
/*
 * What is taken out of every file of a report, wherever it stands: names of users but root, the name of the
 * machine, hardware addresses, and serial numbers if they are not to stay. Of the kernel's command line only
 * words are kept that concern cards: it may hold keys. What a file is does not matter, so that a new file of
 * the report cannot be forgotten here.
 */
#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../file.h"

#define WORDS		256
#define FILE_MOST	((size_t)16 << 20)

struct word {
	char text[72];
	const char *instead;
};

/* nftw() has no argument for its callback. */
static struct {
	struct report *report;
	struct word words[WORDS];
	size_t count;
	bool good;
} job;

static void add_word(const char *text, const char *instead)
{
	if (!text || strlen(text) < 3 || strlen(text) >= sizeof(job.words[0].text) || job.count == WORDS)
		return;
	/* What this is all about, whatever somebody is called. */
	if (!strcmp(text, "gaon"))
		return;
	for (size_t i = 0; i < job.count; i++) {
		if (!strcmp(job.words[i].text, text))
			return;
	}
	snprintf(job.words[job.count].text, sizeof(job.words[0].text), "%s", text);
	job.words[job.count++].instead = instead;
}

static void find_words(const struct report *r)
{
	struct utsname uts;

	for (size_t i = 0; i < r->clients.count; i++) {
		if (strcmp(r->clients.clients[i].user, "root") &&
		    !isdigit((unsigned char)r->clients.clients[i].user[0]))
			add_word(r->clients.clients[i].user, "USER");
	}
	/* Who calls, and who has called sudo. */
	for (size_t i = 0; i < 3; i++) {
		const char *name = getenv((const char *[]){ "USER", "LOGNAME", "SUDO_USER" }[i]);

		if (name && strcmp(name, "root"))
			add_word(name, "USER");
	}
	if (!uname(&uts) && strcmp(uts.nodename, "localhost"))
		add_word(uts.nodename, "HOST");
	for (size_t i = 0; i < r->cards.count && !r->serials; i++)
		add_word(r->cards.cards[i].serial, "SERIAL");
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* "52:54:00:12:34:56", with nothing of its kind around it; PCI addresses have fewer pairs. */
static size_t hardware_address(const char *text, const char *start)
{
	size_t i;

	if (text > start && (isxdigit((unsigned char)text[-1]) || text[-1] == ':'))
		return 0;
	for (i = 0; i < 17; i++) {
		if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return 0;
	}
	return text[17] == ':' || isxdigit((unsigned char)text[17]) ? 0 : 17;
}

/* What stands at @text and is replaced: its length, and by what. */
static size_t match(const char *text, const char *start, const char **instead)
{
	size_t n;

	for (size_t i = 0; i < job.count; i++) {
		n = strlen(job.words[i].text);
		if (!strncmp(text, job.words[i].text, n) && !is_name(text[n]) &&
		    (text == start || !is_name(text[-1]))) {
			*instead = job.words[i].instead;
			return n;
		}
	}
	*instead = "xx:xx:xx:xx:xx:xx";
	return hardware_address(text, start);
}

/* @out has room for twice as much as @text, which ends with a zero. Returns how many were replaced. */
static size_t redact_text(char *out, const char *text)
{
	const char *start = text, *instead;
	size_t replaced = 0, n;

	while (*text) {
		n = match(text, start, &instead);
		if (!n) {
			*out++ = *text++;
			continue;
		}
		out = stpcpy(out, instead);
		text += n;
		replaced++;
	}
	*out = '\0';
	return replaced;
}

static void redact_cmdline(char *text)
{
	static const char *const keep[] = {
		"iommu", "intel_iommu=", "amd_iommu=", "pci=", "pcie_", "gaon.", "module_blacklist=", "swiotlb=",
		"modprobe.blacklist=", "efi=", "lockdown=",
	};
	char *copy = strdup(text), *save = NULL, *out = text;

	for (char *word = copy ? strtok_r(copy, " \n", &save) : NULL; word; word = strtok_r(NULL, " \n", &save)) {
		for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
			if (!strncmp(word, keep[i], strlen(keep[i]))) {
				out += sprintf(out, "%s%s", out == text ? "" : " ", word);
				break;
			}
		}
	}
	strcpy(out, "\n");
	free(copy);
}

static bool redact_file(const char *path)
{
	size_t size, n = strlen(path), replaced;
	char *text = file_read(path, FILE_MOST, &size);
	/* Words have three letters at least, and the longest that stands for one of them has four. */
	char *out = text ? malloc(2 * size + 64) : NULL;
	bool good = out != NULL, cmdline = n > 13 && !strcmp(path + n - 13, "/proc/cmdline");

	if (good) {
		text[size] = '\0';
		if (cmdline)
			redact_cmdline(text);
		replaced = redact_text(out, text);
		job.report->replaced += replaced;
		/* Text that has a zero in its middle is none: what is behind is left out. */
		if (replaced || cmdline || strlen(text) != size)
			good = file_replace(path, out, strlen(out), 0600);
	}
	free(text);
	free(out);
	return good;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F) {
		job.report->files++;
		job.good = redact_file(path);
	}
	return !job.good || report_is_stopped();
}

bool report_redact(struct report *r)
{
	job.report = r;
	job.count = 0;
	job.good = true;
	find_words(r);
	return !nftw(r->top, visit, 16, FTW_PHYS) && job.good;
}
