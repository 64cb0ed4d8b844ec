// SPDX-License-Identifier: MIT
/* gaon module: the kernel module loaded, unloaded, looked at, through libkmod. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/holders.h"
#include "card/tree.h"
#include "cmd.h"
#include "module/module.h"

struct request {
	const char *action;
	int count;		/* of options */
	char **options;
	bool json, now;
};

static bool may_change(const char *what)
{
	if (tree_is_recorded()) {
		fprintf(stderr, "gaon: this is a recorded tree: no module of it can be %sed\n", what);
		return false;
	}
	if (geteuid()) {
		fprintf(stderr, "gaon: only root %ss modules: sudo gaon module %s\n", what, what);
		return false;
	}
	return true;
}

static void explain_load(const struct module *m, int err)
{
	fprintf(stderr, "gaon: %s cannot be loaded: ", m->file);
	switch (err) {
	case EPERM: fprintf(stderr, "not permitted; in a container it is the host's\n"); break;
	case ENOENT: fprintf(stderr, "it wants what this kernel or another module does not have; dmesg names it; depmod -a\n"); break;
	case ENOEXEC: fprintf(stderr, "it was built for another kernel than %s; dkms autoinstall\n", m->release); break;
	case ENOKEY:
	case EKEYREJECTED: fprintf(stderr, "this kernel only takes modules signed with a key it knows; mokutil --import\n"); break;
	default: fprintf(stderr, "%s; dmesg tells more\n", strerror(err)); break;
	}
}

static bool load(struct module *m, const struct request *r)
{
	char options[4096] = "";
	size_t used = 0;
	int err;

	for (int i = 0; i < r->count; i++) {
		if (!module_option_check(m, r->options[i]))
			return false;
		used += (size_t)snprintf(options + used, sizeof(options) - used, "%s%s", i ? " " : "",
					 r->options[i]);
		if (used >= sizeof(options)) {
			fprintf(stderr, "gaon: the options have more than %zu bytes\n", sizeof(options) - 1);
			return false;
		}
	}
	if (m->loaded && !r->count)
		return true;
	if (m->loaded) {
		fprintf(stderr, "gaon: it is loaded already, with the options that it has: gaon module unload, then load it with these\n");
		return false;
	}
	if (!m->file[0]) {
		fprintf(stderr, "gaon: the module is not installed for this kernel, %s: apt-get install gaon-dkms linux-headers-%s; or: make modules modules_install && depmod -a\n",
			m->release, m->release);
		return false;
	}
	if (!may_change("load"))
		return false;
	err = kmod_module_probe_insert_module(m->handle, 0, used ? options : NULL, NULL, NULL, NULL);
	if (err)
		explain_load(m, err < 0 ? -err : EPERM);
	return !err;
}

static bool is_held(const struct module *m)
{
	char **names;
	size_t count = tree_list(&names, "/sys/module/" CARD_DRIVER "/holders");

	if (count || m->clients.count || m->references > 0)
		fprintf(stderr, "gaon: the module is in use; it stays\n");
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "gaon:   the module %s needs it\n", names[i]);
	holders_print(&m->clients, NULL);
	if (!count && !m->clients.count && m->references > 0)
		fprintf(stderr, "gaon:   %lld references of no process that can be seen from here: another container's, or memory that another driver has\n",
			(long long)m->references);
	free(names);
	return count || m->clients.count || m->references > 0;
}

static bool unload(struct module *m)
{
	int err;

	if (!m->loaded)
		return true;
	if (is_held(m) || !may_change("unload"))
		return false;
	err = kmod_module_remove_module(m->handle, 0);
	if (err)
		fprintf(stderr, "gaon: the module cannot be unloaded: %s\n",
			-err == EAGAIN || -err == EBUSY ? "it has just come into use" : strerror(-err));
	return !err;
}

static bool act(struct module *m, const struct request *r)
{
	if (!strcmp(r->action, "load"))
		return load(m, r);
	if (!strcmp(r->action, "unload"))
		return unload(m);
	return !r->count || module_options_keep(m, r->count, r->options, r->now);
}

static int run(struct module *m, const struct request *r)
{
	bool done;

	if (!module_read(m))
		return CMD_FAILED;
	done = act(m, r);
	/* What is shown is how it is afterwards. */
	if (!module_read(m))
		return CMD_FAILED;
	if (r->json)
		cmd_print_json(module_json(m, r->action, done));
	else if (done && !strcmp(r->action, "options"))
		module_options_print(m);
	else if (done)
		module_print(m);
	return done ? CMD_OK : CMD_FAILED;
}

static bool is_action(const struct cmd *cmd, const char *name)
{
	const char *found = strstr(cmd->words, name);
	size_t n = strlen(name);

	return n && found && !strchr(name, ' ') && (found == cmd->words || found[-1] == ' ') &&
	       (found[n] == ' ' || !found[n]);
}

static int module_run(const struct cmd *cmd, int argc, char **argv)
{
	struct request r = { .action = "status" };
	struct cmd_common common = { 0 };
	struct module *m;
	int c, code;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0)
		r.now = true;
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		r.action = argv[optind++];
	r.count = argc - optind;
	r.options = argv + optind;
	r.json = common.json;
	if (!is_action(cmd, r.action) || (r.count && strcmp(r.action, "load") && strcmp(r.action, "options")) ||
	    (r.now && (strcmp(r.action, "options") || !r.count)))
		return cmd_usage(cmd, true);
	m = calloc(1, sizeof(*m));
	if (!m)
		return CMD_FAILED;
	code = run(m, &r);
	module_free(m);
	free(m);
	return code;
}

static const struct cmd_option module_options[] = {
	{ "now", NULL, "options: set them at once as well", 'n' }, { 0 },
};

const struct cmd cmd_module = {
	.name = "module",
	.summary = "load and unload the kernel module, its options, and who holds it",
	.operands = "[status|load|unload|options] [NAME=VALUE]...",
	.words = "status load unload options",
	.flags = CMD_ROOT,
	.options = module_options,
	.text = "status, which is the default, tells what is loaded, what is installed, and who holds it. load takes options\n"
		"for this time. unload refuses while a process or a module holds it, and names it. options lists the\n"
		"parameters, or keeps values for each later load, in " MODULE_OPTIONS_FILE ";\n"
		"NAME= forgets one. Exit status: 0 it is as asked for, 1 refused or failed, 2 usage.\n",
	.run = module_run,
};
