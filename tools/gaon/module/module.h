/* SPDX-License-Identifier: MIT */
/* The kernel module: what is loaded, what would be, who holds it, and its parameters. */
#ifndef GAON_TOOLS_MODULE_H
#define GAON_TOOLS_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <libkmod.h>

#include "../card/card.h"
#include "../card/client.h"

#define MODULE_PARAMETERS	64
/* Where options of the administrator's are kept. modprobe reads it after the package's gaon.conf. */
#define MODULE_OPTIONS_FILE	"/etc/modprobe.d/gaon_local.conf"

struct module_parameter {
	char name[48], type[16], help[200];
	char value[128];		/* now; "" if the module is not loaded, or it cannot be read */
	char next[128];			/* when it is loaded the next time; "": its default */
	bool loaded;			/* it has a value now */
};

struct module {
	struct kmod_ctx *kmod;
	struct kmod_module *handle;
	bool loaded;
	char state[16], version[64], source[64];	/* of the one that is loaded */
	char file[1024], file_version[64], file_source[64];	/* of the one that would be; "": none */
	char release[128];				/* of the kernel */
	int64_t references;				/* -1: not known */
	struct card_list cards;
	struct client_list clients;
	struct module_parameter parameters[MODULE_PARAMETERS];
	size_t count;
};

/* Looks at all of it anew; false with a message. module_free() frees, also after false. */
bool module_read(struct module *m);
void module_free(struct module *m);
struct module_parameter *module_parameter_find(struct module *m, const char *name);
json_t *module_json(const struct module *m, const char *action, bool done);
void module_print(const struct module *m);

/* --- options.c ---------------------------------------------------------------------------------- */

/* "name=value" of a parameter that there is, with a value of its type; else false with a message. */
bool module_option_check(struct module *m, const char *option);
void module_options_print(const struct module *m);
/* Keeps them for the next load, beside those that are kept; "name=" forgets one. @now: sets them now, too. */
bool module_options_keep(struct module *m, int count, char **options, bool now);

#endif
