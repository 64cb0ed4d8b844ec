// SPDX-License-Identifier: MIT
/* Parameters of the module: what they are, and what they are to be. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../card/tree.h"
#include "../cmd.h"
#include "../file.h"
#include "module.h"

#define FILE_MOST	65536

static const char file_head[] =
	"# Options of the module gaon, written by `gaon module options NAME=VALUE`: `gaon module options NAME=` forgets one.\n";

static bool is_value(const char *type, const char *value)
{
	static const char *const bools[] = { "0", "1", "y", "n", "Y", "N" };
	uint64_t number;

	if (!strcmp(type, "bool")) {
		for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
			if (!strcmp(value, bools[i]))
				return true;
		}
		return false;
	}
	if (!strcmp(type, "uint"))
		return cmd_parse_u64(value, UINT32_MAX, &number);
	if (!strcmp(type, "int"))
		return cmd_parse_u64(value + (*value == '-'), INT32_MAX, &number);
	/* modprobe.d has no way to write these in a value. */
	return *value && !strpbrk(value, " \t\n\"\\#");
}

bool module_option_check(struct module *m, const char *option)
{
	const char *equals = strchr(option, '=');
	struct module_parameter *p;
	char name[48];

	snprintf(name, sizeof(name), "%.*s", equals ? (int)(equals - option) : 0, option);
	p = equals ? module_parameter_find(m, name) : NULL;
	if (p && is_value(p->type, equals + 1))
		return true;
	if (!equals) {
		fprintf(stderr, "gaon module: an option is NAME=VALUE, not '%s'\n", option);
	} else if (p) {
		fprintf(stderr, "gaon module: %s takes a value of type %s, not '%s'\n", p->name, p->type, equals + 1);
	} else {
		fprintf(stderr, "gaon module: the module has no parameter '%s';", name);
		for (size_t i = 0; i < m->count; i++)
			fprintf(stderr, "%s %s", i ? "," : " there are", m->parameters[i].name);
		fprintf(stderr, "%s\n", m->count ? "" : " nor is it installed");
	}
	return false;
}

void module_options_print(const struct module *m)
{
	printf("%-18s %-6s %-10s %-10s %s\n", "NAME", "TYPE", "NOW", "NEXT LOAD", "");
	for (size_t i = 0; i < m->count; i++) {
		const struct module_parameter *p = &m->parameters[i];

		printf("%-18s %-6s %-10s %-10s %s\n", p->name, p->type, p->loaded ? p->value : "-",
		       p->next[0] ? p->next : "default", p->help);
	}
}

/* --- keeping them ------------------------------------------------------------------------------ */

static bool names_same(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return n == strcspn(b, "=") && !strncmp(a, b, n);
}

/* What the file has of this module, but for what is said anew; then that. Other lines are not this tool's. */
static void compose(char *text, const char *old, int count, char **options)
{
	char *copy = strdup(old ? old : ""), *line_save = NULL;
	size_t used = (size_t)sprintf(text, "%s", file_head);

	for (char *line = copy ? strtok_r(copy, "\n", &line_save) : NULL; line;
	     line = strtok_r(NULL, "\n", &line_save)) {
		char *save = NULL, *word = strtok_r(line, " \t", &save);
		bool ours = word && !strcmp(word, "options");

		word = ours ? strtok_r(NULL, " \t", &save) : NULL;
		if (!word || strcmp(word, CARD_DRIVER))
			continue;
		while ((word = strtok_r(NULL, " \t", &save))) {
			bool again = false;

			for (int i = 0; i < count; i++)
				again = again || names_same(word, options[i]);
			if (!again)
				used += (size_t)sprintf(text + used, "options " CARD_DRIVER " %s\n", word);
		}
	}
	for (int i = 0; i < count; i++) {
		if (strchr(options[i], '=')[1])
			used += (size_t)sprintf(text + used, "options " CARD_DRIVER " %s\n", options[i]);
	}
	free(copy);
}

static bool keep(int count, char **options)
{
	size_t size = 0, room = 2 * FILE_MOST;
	char *old = NULL, *text;
	bool good;

	if (tree_exists(MODULE_OPTIONS_FILE)) {
		old = file_read(MODULE_OPTIONS_FILE, FILE_MOST / 8, &size);
		if (!old)
			return false;
		old[size] = '\0';
	}
	for (int i = 0; i < count; i++)
		room += strlen(options[i]) + 32;
	text = malloc(room);
	if (text)
		compose(text, old, count, options);
	else
		fprintf(stderr, "gaon: no memory for the options\n");
	good = text && file_replace(MODULE_OPTIONS_FILE, text, strlen(text), 0644);
	free(old);
	free(text);
	return good;
}

static bool set_now(struct module *m, const char *option)
{
	const char *value = strchr(option, '=') + 1;
	struct module_parameter *p;
	char name[48], path[128];
	int fd, err = 0;

	snprintf(name, sizeof(name), "%.*s", (int)(value - 1 - option), option);
	p = module_parameter_find(m, name);
	snprintf(path, sizeof(path), "/sys/module/" CARD_DRIVER "/parameters/%s", p->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err)
		fprintf(stderr, "gaon: %s cannot be set now: %s; it is kept for the next load\n", p->name,
			err == EACCES && !geteuid() ? "it is only read when the module is loaded" : strerror(err));
	return !err;
}

bool module_options_keep(struct module *m, int count, char **options, bool now)
{
	bool good = true;

	for (int i = 0; i < count; i++) {
		const char *equals = strchr(options[i], '=');

		/* "name=" forgets, also what the module does not have any more. */
		if ((!equals || equals[1]) && !module_option_check(m, options[i]))
			return false;
	}
	if (tree_is_recorded()) {
		fprintf(stderr, "gaon: this is a recorded tree: nothing of it is changed\n");
		return false;
	}
	if (access("/etc/modprobe.d", W_OK)) {
		fprintf(stderr, "gaon: /etc/modprobe.d cannot be written: %s; sudo gaon module options ...\n", strerror(errno));
		return false;
	}
	if (!keep(count, options))
		return false;
	for (int i = 0; i < count && now; i++) {
		if (strchr(options[i], '=')[1])
			good = set_now(m, options[i]) && good;
	}
	return good;
}
