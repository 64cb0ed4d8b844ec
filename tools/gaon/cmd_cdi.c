// SPDX-License-Identifier: MIT
/* gaon cdi: the cards for container engines, by the Container Device Interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/card.h"
#include "card/tree.h"
#include "cmd.h"
#include "file.h"

#define KIND		"gaon/accel"
#define VERSION		"0.5.0"	/* podman 4.3 knows no later one; host paths are of this */
#define VERSION_GIDS	"0.7.0"	/* additional groups */

/* --- the specification ------------------------------------------------------------------------- */

/* Its numbers are left to the engine, which looks at the node: they may be others after the next start. */
static json_t *node_json(const struct card *card)
{
	return json_pack("{s:s, s:s, s:s}", "path", card->node, "hostPath", card->node, "permissions", "rw");
}

/* Devices of a name are edits of a container: nodes, and no more. Takes @nodes. */
static void add_device(json_t *devices, const char *name, json_t *nodes)
{
	json_array_append_new(devices, json_pack("{s:s, s:{s:o}}", "name", name, "containerEdits", "deviceNodes", nodes));
}

/* Of several cards of one number none can be meant: engines refuse a whole file in which a name is twice. */
static bool serial_is_unique(const struct card_list *list, const struct card *card)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct card *other = &list->cards[i];

		if (other == card || !other->node[0] || strcmp(other->serial, card->serial))
			continue;
		if (card < other)
			fprintf(stderr, "gaon cdi: %s and %s have the same serial number, %s: it is not a name of either\n",
				card->name, other->name, card->serial);
		return false;
	}
	return true;
}

/* By node, and by serial number, which stays with the card wherever it is plugged in; and all of them. */
static json_t *devices_json(const struct card_list *list)
{
	json_t *devices = json_array(), *all = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct card *card = &list->cards[i];
		json_t *node;

		if (!card->node[0])
			continue;
		node = node_json(card);
		add_device(devices, card->name, json_pack("[O]", node));
		if (card->serial[0] && serial_is_unique(list, card))
			add_device(devices, card->serial, json_pack("[O]", node));
		json_array_append_new(all, node);
	}
	if (json_array_size(all))
		add_device(devices, "all", all);
	else
		json_decref(all);
	return devices;
}

/* Of the groups that the nodes belong to, each once. */
static json_t *groups_json(const struct card_list *list)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < list->count; i++) {
		char path[TREE_PATH];
		struct stat st;
		size_t k;

		if (!list->cards[i].node[0] || !tree_path(path, sizeof(path), "%s", list->cards[i].node) ||
		    stat(path, &st) || !st.st_gid)
			continue;
		for (k = 0; k < json_array_size(groups); k++) {
			if (json_integer_value(json_array_get(groups, k)) == (json_int_t)st.st_gid)
				break;
		}
		if (k == json_array_size(groups))
			json_array_append_new(groups, json_integer((json_int_t)st.st_gid));
	}
	return groups;
}

static json_t *spec_json(const struct card_list *list, bool groups)
{
	json_t *spec = json_pack("{s:s, s:s, s:o}", "cdiVersion", groups ? VERSION_GIDS : VERSION, "kind", KIND, "devices",
				 devices_json(list));

	if (groups)
		json_object_set_new(spec, "containerEdits", json_pack("{s:o}", "additionalGids", groups_json(list)));
	return spec;
}

/* --- as YAML ----------------------------------------------------------------------------------- */

/* Strings as JSON has them are YAML's in double quotes. */
static void print_scalar(FILE *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	fprintf(out, "%s\n", text ? text : "null");
	free(text);
}

static void print_yaml(FILE *out, const json_t *value, int depth, bool in_list)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, member) {
			fprintf(out, "%*s%s:", in_list ? 0 : 2 * depth, "", key);
			in_list = false;
			fputs(json_is_object(member) || json_array_size(member) ? "\n" : " ", out);
			print_yaml(out, member, depth + 1, false);
		}
	} else if (json_array_size(value)) {
		json_array_foreach(value, i, member) {
			fprintf(out, "%*s- ", 2 * depth, "");
			print_yaml(out, member, depth + 1, true);
		}
	} else {
		print_scalar(out, value);
	}
}

/* --- the command ------------------------------------------------------------------------------- */

/* The caller frees it; NULL without memory. */
static char *spec_text(const json_t *spec, bool yaml, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	if (yaml)
		print_yaml(out, spec, 0, false);
	else
		json_dumpf(spec, out, JSON_INDENT(2));
	if (!yaml)
		fputc('\n', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool write_spec(const json_t *spec, const char *path)
{
	const char *end = strrchr(path, '.');
	size_t size;
	char *text = spec_text(spec, strcmp(end, ".json") != 0, &size);
	bool good = text && file_replace(path, text, size, 0644);

	if (!text)
		fprintf(stderr, "gaon cdi: no memory\n");
	free(text);
	return good;
}

static int show(const json_t *spec, bool json)
{
	size_t size;
	char *text = spec_text(spec, !json, &size);

	if (!text)
		return CMD_FAILED;
	fwrite(text, 1, size, stdout);
	free(text);
	return CMD_OK;
}

static int run(const char *output, bool groups, bool json)
{
	struct card_list list;
	int code = CMD_FAILED;
	json_t *spec;
	size_t count;

	if (!card_list_read(&list, false))
		return CMD_FAILED;
	spec = spec_json(&list, groups);
	count = json_array_size(json_object_get(spec, "devices"));
	if (!count)
		fprintf(stderr, "gaon cdi: no card has a node: there is nothing to give to containers; `gaon doctor` says why\n");
	else if (!output || write_spec(spec, output))
		code = output && !json ? CMD_OK : show(spec, json);
	if (!code && output && !json)
		printf("%s: %zu devices: podman run --device " KIND "=all ...\n", output, count);
	json_decref(spec);
	card_list_free(&list);
	return code;
}

static int cdi_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	const char *output = NULL, *end;
	bool groups = false;
	int c;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (c == 'g')
			groups = true;
		else
			output = optarg;
	}
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		return cmd_usage(cmd, true);
	end = output ? strrchr(output, '.') : NULL;
	if (output && (!end || (strcmp(end, ".json") && strcmp(end, ".yaml")))) {
		fprintf(stderr, "gaon cdi: --output takes a name that ends in .json or .yaml, as engines read, not '%s'\n",
			output);
		return CMD_USAGE;
	}
	return run(output, groups, common.json);
}

static const struct cmd_option cdi_options[] = {
	{ "output", "FILE", "write it, e.g. to /etc/cdi/gaon.yaml (.json: as JSON)", 'o' },
	{ "groups", NULL, "with the nodes' groups; needs an engine that knows CDI 0.7", 'g' },
	{ 0 },
};

const struct cmd cmd_cdi = {
	.name = "cdi",
	.summary = "the cards for container engines, by the Container Device Interface",
	.flags = CMD_ROOT,
	.options = cdi_options,
	.text = "Prints the specification as YAML, or as JSON, or writes it where podman, docker and containerd read it. A\n"
		"container gets cards by --device " KIND "=accel0, =SERIAL or =all. Exit status: 0 done, 1 there is no card\n"
		"with a node, or the file cannot be written, 2 usage.\n",
	.run = cdi_run,
};
