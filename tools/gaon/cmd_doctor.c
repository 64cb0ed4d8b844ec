// SPDX-License-Identifier: MIT
/* gaon doctor: why a card cannot be used, from the bus to the library. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "card/tree.h"
#include "cmd.h"
#include "doctor/doctor.h"

static const char *const verdicts[] = { "good", "note", "bad" };

void doctor_find(struct doctor *d, const char *check, enum doctor_verdict verdict, const char *fmt, ...)
{
	struct doctor_finding *f;
	char text[sizeof(f->text) + sizeof(f->mend)], *mend;
	va_list ap;

	if (d->count == DOCTOR_FINDINGS)
		return;
	f = &d->findings[d->count++];
	f->check = check;
	f->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mend = strchr(text, '\n');
	if (mend)
		*mend++ = '\0';
	snprintf(f->text, sizeof(f->text), "%.*s", (int)sizeof(f->text) - 1, text);
	snprintf(f->mend, sizeof(f->mend), "%.*s", (int)sizeof(f->mend) - 1, mend ? mend : "");
}

static int print_json(const struct doctor *d, bool good)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:o}", "check", f->check, "verdict",
						       verdicts[f->verdict], "text", cmd_json_text(f->text),
						       "mend", cmd_json_text(f->mend)));
	}
	return cmd_print_json(json_pack("{s:b, s:o}", "usable", good, "findings", array));
}

static void print_text(const struct doctor *d, bool good)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		printf("%-5s %-10s %s\n", verdicts[f->verdict], f->check, f->text);
		if (f->mend[0])
			printf("%-16s to mend it: %s\n", "", f->mend);
	}
	printf("%s\n", good ? "Nothing stands in the way." : "What is bad stands in the way; begin with the first.");
}

static int doctor_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	struct utsname uts = { .release = "?" };
	struct doctor *d;
	bool good = true;

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0))
		return common.code;
	d = calloc(1, sizeof(*d));
	if (!d || !card_list_read(&d->cards, false)) {
		free(d);
		return CMD_FAILED;
	}
	uname(&uts);
	if (!tree_read_line(d->release, sizeof(d->release), "/proc/sys/kernel/osrelease"))
		snprintf(d->release, sizeof(d->release), "%s", uts.release);
	doctor_kernel(d);
	doctor_firmware(d);
	doctor_cards(d);
	doctor_process(d);
	for (size_t i = 0; i < d->count; i++)
		good = good && d->findings[i].verdict != DOCTOR_BAD;
	if (common.json)
		print_json(d, good);
	else
		print_text(d, good);
	card_list_free(&d->cards);
	free(d);
	return good ? CMD_OK : CMD_FAILED;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "why a card cannot be used, and what mends it",
	.flags = CMD_ROOT,
	.text = "Looks at the bus, the kernel, the module, the firmware, each card's driver, state, link, node, rights and\n"
		"IOMMU, the container, limits, the plug-in and the library. Exit status: 0 nothing stands in the way, 1 something does.\n",
	.run = doctor_run,
};
