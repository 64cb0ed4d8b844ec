// SPDX-License-Identifier: MIT
/*
 * See module.h. What is loaded is read from sysfs, so that recorded machines can be looked at; files through
 * libkmod.
 */
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>

#include "../card/holders.h"
#include "../card/tree.h"
#include "../cmd.h"

static bool open_kmod(struct module *m)
{
	char dirs[4][TREE_PATH];
	const char *configs[] = { dirs[1], dirs[2], dirs[3], NULL };
	bool recorded = tree_is_recorded();
	int err;

	tree_path(dirs[0], sizeof(dirs[0]), "/lib/modules/%s", m->release);
	tree_path(dirs[1], sizeof(dirs[1]), "/etc/modprobe.d");
	tree_path(dirs[2], sizeof(dirs[2]), "/run/modprobe.d");
	tree_path(dirs[3], sizeof(dirs[3]), "/lib/modprobe.d");
	m->kmod = kmod_new(recorded ? dirs[0] : NULL, recorded ? configs : NULL);
	if (!m->kmod) {
		fprintf(stderr, "gaon: libkmod cannot be used: %s\n", strerror(errno));
		return false;
	}
	/* What it fails at is said here. */
	kmod_set_log_priority(m->kmod, LOG_EMERG);
	err = kmod_module_new_from_name(m->kmod, CARD_DRIVER, &m->handle);
	if (err < 0)
		fprintf(stderr, "gaon: libkmod cannot look for %s: %s\n", CARD_DRIVER, strerror(-err));
	return err >= 0;
}

/* "name:text", of parm and parmtype. */
static void take_parameter(struct module *m, const char *value, bool type)
{
	const char *colon = strchr(value, ':');
	struct module_parameter *p;
	char name[sizeof(p->name)];

	if (!colon || (size_t)(colon - value) >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - value), value);
	p = module_parameter_find(m, name);
	if (!p && m->count < MODULE_PARAMETERS) {
		p = &m->parameters[m->count++];
		snprintf(p->name, sizeof(p->name), "%s", name);
	}
	if (p && type)
		snprintf(p->type, sizeof(p->type), "%s", colon + 1);
	else if (p)
		snprintf(p->help, sizeof(p->help), "%s", colon + 1);
}

static void read_file(struct module *m)
{
	const char *path = kmod_module_get_path(m->handle);
	struct kmod_list *list = NULL, *entry;

	if (!path)
		return;
	snprintf(m->file, sizeof(m->file), "%s", path);
	if (kmod_module_get_info(m->handle, &list) < 0)
		return;
	kmod_list_foreach(entry, list) {
		const char *key = kmod_module_info_get_key(entry), *value = kmod_module_info_get_value(entry);

		if (!strcmp(key, "version"))
			snprintf(m->file_version, sizeof(m->file_version), "%s", value);
		else if (!strcmp(key, "srcversion"))
			snprintf(m->file_source, sizeof(m->file_source), "%s", value);
		else if (!strcmp(key, "parm") || !strcmp(key, "parmtype"))
			take_parameter(m, value, key[4] != '\0');
	}
	kmod_module_info_free_list(list);
}

/* One that is loaded from elsewhere may have others than the file. */
static void read_values(struct module *m)
{
	char **names, type[TREE_PATH];
	size_t count = tree_list(&names, "/sys/module/" CARD_DRIVER "/parameters");

	for (size_t i = 0; i < count; i++) {
		struct module_parameter *p;

		snprintf(type, sizeof(type), "%.40s:?", names[i]);
		if (!module_parameter_find(m, names[i]))
			take_parameter(m, type, true);
		p = module_parameter_find(m, names[i]);
		if (p)
			p->loaded = tree_read_line(p->value, sizeof(p->value),
						   "/sys/module/" CARD_DRIVER "/parameters/%s", names[i]);
	}
	free(names);
}

/* All options of modprobe.d, in its order: the last of a name is the one that counts. */
static void read_options(struct module *m)
{
	const char *options = kmod_module_get_options(m->handle);
	char *copy = options ? strdup(options) : NULL, *save = NULL;

	for (char *word = copy ? strtok_r(copy, " \t", &save) : NULL; word; word = strtok_r(NULL, " \t", &save)) {
		char *value = strchr(word, '=');
		struct module_parameter *p;

		if (value)
			*value++ = '\0';
		p = module_parameter_find(m, word);
		if (p)
			snprintf(p->next, sizeof(p->next), "%s", value ? value : "1");
	}
	free(copy);
}

bool module_read(struct module *m)
{
	struct utsname uts = { .release = "?" };

	module_free(m);
	*m = (struct module){ .references = -1 };
	uname(&uts);
	if (!tree_read_line(m->release, sizeof(m->release), "/proc/sys/kernel/osrelease"))
		snprintf(m->release, sizeof(m->release), "%s", uts.release);
	if (!card_list_read(&m->cards, false) || !client_list_read(&m->clients) || !open_kmod(m))
		return false;
	m->loaded = tree_exists("/sys/module/" CARD_DRIVER);
	tree_read_line(m->state, sizeof(m->state), "/sys/module/" CARD_DRIVER "/initstate");
	tree_read_line(m->version, sizeof(m->version), "/sys/module/" CARD_DRIVER "/version");
	tree_read_line(m->source, sizeof(m->source), "/sys/module/" CARD_DRIVER "/srcversion");
	tree_read_number(&m->references, 0, INT32_MAX, "/sys/module/" CARD_DRIVER "/refcnt");
	read_file(m);
	read_values(m);
	read_options(m);
	return true;
}

void module_free(struct module *m)
{
	card_list_free(&m->cards);
	client_list_free(&m->clients);
	if (m->handle)
		kmod_module_unref(m->handle);
	if (m->kmod)
		kmod_unref(m->kmod);
	m->handle = NULL;
	m->kmod = NULL;
}

struct module_parameter *module_parameter_find(struct module *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++) {
		/* The kernel takes either. */
		const char *a = m->parameters[i].name, *b = name;

		while (*a && (*a == *b || (*a == '_' && *b == '-')))
			a++, b++;
		if (!*a && !*b)
			return &m->parameters[i];
	}
	return NULL;
}

/* --- showing it -------------------------------------------------------------------------------- */

/* -1: cannot be told. */
static int same_source(const struct module *m)
{
	if (!m->source[0] || !m->file_source[0])
		return -1;
	return !strcmp(m->source, m->file_source);
}

static json_t *parameter_json(const struct module_parameter *p)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", p->name, "type", cmd_json_text(p->type), "help",
			 cmd_json_text(p->help), "value", p->loaded ? cmd_json_text(p->value) : json_null(),
			 "next", cmd_json_text(p->next));
}

json_t *module_json(const struct module *m, const char *action, bool done)
{
	json_t *cards = json_array(), *parameters = json_array();
	int same = same_source(m);

	for (size_t i = 0; i < m->cards.count; i++) {
		if (!strcmp(m->cards.cards[i].driver, CARD_DRIVER))
			json_array_append_new(cards, json_string(m->cards.cards[i].name));
	}
	for (size_t i = 0; i < m->count; i++) {
		json_array_append_new(parameters, parameter_json(&m->parameters[i]));
	}
	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "action", action, "done", done,
			 "loaded", m->loaded, "state", cmd_json_text(m->state), "version", cmd_json_text(m->version),
			 "file", cmd_json_text(m->file), "file_version", cmd_json_text(m->file_version),
			 "file_is_loaded", same < 0 ? json_null() : json_boolean(same), "references",
			 cmd_json_number(m->references, m->references >= 0), "cards", cards, "processes",
			 holders_json(&m->clients, NULL), "parameters", parameters);
}

void module_print(const struct module *m)
{
	if (m->loaded)
		printf("loaded       version %s%s%s\n", m->version[0] ? m->version : "not known",
		       m->state[0] && strcmp(m->state, "live") ? ", " : "",
		       strcmp(m->state, "live") ? m->state : "");
	else
		printf("loaded       no; `gaon module load` loads it\n");
	if (m->file[0])
		printf("installed    %s, version %s\n", m->file, m->file_version[0] ? m->file_version : "not known");
	else
		printf("installed    not for this kernel, %s\n", m->release);
	if (m->loaded && same_source(m) == 0)
		printf("             which is not the one that is loaded: unload and load it\n");
	if (m->references >= 0)
		printf("references   %lld\n", (long long)m->references);
	printf("cards       ");
	for (size_t i = 0; i < m->cards.count; i++) {
		if (!strcmp(m->cards.cards[i].driver, CARD_DRIVER))
			printf(" %s", m->cards.cards[i].name);
	}
	printf("\nheld by     ");
	for (size_t i = 0; i < m->clients.count; i++)
		printf("%s %d %s (%s)", i ? "," : "", (int)m->clients.clients[i].pid, m->clients.clients[i].command,
		       m->clients.clients[i].address);
	printf("%s%s\n", m->clients.count ? "" : " no process", m->clients.complete ? "" : " that this user can see");
}
