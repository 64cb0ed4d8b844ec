// SPDX-License-Identifier: MIT
/* gaon-demo-llm: a language model answers a prompt on the accelerator. */
#include "llm.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 2048 /* tokens of prompt and answer */

struct options {
	const char *model, *plugin, *prompt;
	uint32_t tokens;
	int threads;
	bool json, no_processor;
};

struct result {
	struct llm_work prompt, answer;
	uint64_t nodes, device_nodes;
	char *text;
	size_t length;
};

static void usage(FILE *out)
{
	fputs("Usage: gaon-demo-llm [OPTION]... [PROMPT]\n"
	      "A language model in llama.cpp answers PROMPT on the accelerator, then on the "
	      "processor,\n"
	      "and what both took is printed.\n\n"
	      "  --model=FILE    in GGUF (default: $GAON_LLM)\n"
	      "  --plugin=FILE   libggml-gaon.so (default: the one built with this program)\n"
	      "  --tokens=N      of the answer, at most (1 to 1024; default 128)\n"
	      "  --threads=N     of the processor (1 to 256; default 2)\n"
	      "  --no-processor  on the accelerator only\n"
	      "  --json          the result as one JSON object\n"
	      "  --help          this text\n"
	      "  --version       version\n"
	      "\nExit status: 0 done; 1 failed; 2 wrong usage.\n",
	      out);
}

static bool parse_number(const char *name, const char *text, long most, long *value)
{
	char *end;

	*value = strtol(text, &end, 10);
	if (*text && !*end && *value >= 1 && *value <= most)
		return true;
	fprintf(stderr, "gaon-demo-llm: --%s=%s is not a number from 1 to %ld\n", name, text, most);
	return false;
}

/* 0: go on; else leave with that status less one. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "model", required_argument, NULL, 'm' },
		{ "plugin", required_argument, NULL, 'p' },
		{ "tokens", required_argument, NULL, 'n' },
		{ "threads", required_argument, NULL, 't' },
		{ "no-processor", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	long value;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'm': o->model = optarg; break;
		case 'p': o->plugin = optarg; break;
		case 'n':
			if (!parse_number("tokens", optarg, 1024, &value))
				return 3;
			o->tokens = value;
			break;
		case 't':
			if (!parse_number("threads", optarg, 256, &value))
				return 3;
			o->threads = value;
			break;
		case 'o': o->no_processor = true; break;
		case 'j': o->json = true; break;
		case 'h': usage(stdout); return 1;
		case 'V': puts("gaon-demo-llm " GAON_VERSION); return 1;
		default: usage(stderr); return 3;
		}
	}
	if (optind < argc)
		o->prompt = argv[optind++];
	if (optind < argc || !o->model) {
		fputs(o->model ? "gaon-demo-llm: one prompt, in quotes\n"
			       : "gaon-demo-llm: no model: --model=FILE, or run it by make demo\n",
		      stderr);
		return 3;
	}
	return 0;
}

struct answer {
	struct result *result;
	bool stream;
};

static void take_piece(const char *piece, void *arg)
{
	struct answer *answer = arg;
	size_t length = strlen(piece);

	memcpy(answer->result->text + answer->result->length, piece, length + 1);
	answer->result->length += length;
	if (answer->stream) {
		fputs(piece, stdout);
		fflush(stdout);
	}
}

static bool run(const struct options *o, ggml_backend_dev_t device, bool stream,
		struct result *result)
{
	struct llm_config config = { o->model, CONTEXT, o->threads, true };
	struct answer answer = { result, stream };
	llama_token tokens[CONTEXT];
	struct llm llm;
	uint32_t count;
	bool good;

	memset(result, 0, sizeof(*result));
	/* llm_generate()'s pieces are at most 255 bytes. */
	result->text = calloc(o->tokens, 256);
	if (!result->text || !llm_open(&llm, &config, device))
		return false;
	count = llm_tokenize(&llm, o->prompt, tokens, CONTEXT - o->tokens);
	good = count && llm_prompt(&llm, tokens, count, &result->prompt) &&
	       llm_generate(&llm, o->tokens, take_piece, &answer, &result->answer);
	result->nodes = llm.nodes;
	result->device_nodes = llm.device_nodes;
	llm_close(&llm);
	return good;
}

static double rate(uint32_t tokens, double seconds)
{
	return seconds > 0.0 ? tokens / seconds : 0.0;
}

/* @cpu NULL: its column is empty. */
static void print_row(const char *what, const struct llm_work *gaon, const struct llm_work *cpu)
{
	char processor[32] = "-";

	if (cpu)
		snprintf(processor, sizeof(processor), "%.1f", rate(cpu->tokens, cpu->seconds));
	printf("%-22s %8u %12.1f %12s %14.1f\n", what, gaon->tokens,
	       rate(gaon->tokens, gaon->seconds), processor,
	       rate(gaon->tokens, gaon->device_seconds));
}

static void print_result(const struct result *gaon, const struct result *cpu)
{
	printf("\n\n%-22s %8s %12s %12s %14s\n", "tokens per second", "tokens", "Gaon", "processor",
	       "modelled card");
	print_row("prompt", &gaon->prompt, cpu ? &cpu->prompt : NULL);
	print_row("answer", &gaon->answer, cpu ? &cpu->answer : NULL);
	printf("operators on the device: %.1f %% (%llu of %llu)\n",
	       gaon->nodes ? 100.0 * gaon->device_nodes / gaon->nodes : 0.0,
	       (unsigned long long)gaon->device_nodes, (unsigned long long)gaon->nodes);
	printf("modelled %.2f ms, wall %.2f s\n",
	       1e3 * (gaon->prompt.device_seconds + gaon->answer.device_seconds),
	       gaon->prompt.seconds + gaon->answer.seconds);
}

static json_t *work_json(const struct llm_work *work)
{
	return json_pack("{s:i, s:f, s:f}", "tokens", (int)work->tokens, "seconds", work->seconds,
			 "device_seconds", work->device_seconds);
}

/* Tokens are pieces of bytes: an answer may end within a character. What is none becomes U+FFFD. */
static json_t *text_json(const char *text)
{
	size_t length = strlen(text), used = 0;
	char *valid = malloc(3 * length + 1);
	json_t *json = NULL;

	while (valid && *text) {
		unsigned char first = *text;
		size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

		json = size <= length ? json_stringn(text, size) : NULL;
		if (!json)
			size = 1;
		memcpy(valid + used, json ? text : "\xef\xbf\xbd", json ? size : 3);
		used += json ? size : 3;
		text += size;
		length -= size;
		json_decref(json);
	}
	json = valid ? json_stringn(valid, used) : NULL;
	free(valid);
	return json;
}

static json_t *result_json(const struct result *r)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I}", "text", text_json(r->text), "prompt",
			 work_json(&r->prompt), "answer", work_json(&r->answer), "nodes",
			 (json_int_t)r->nodes, "device_nodes", (json_int_t)r->device_nodes);
}

/* @cpu NULL: there is no answer of the processor. */
static bool print_json(const char *prompt, const struct result *gaon, const struct result *cpu)
{
	json_t *all = json_pack("{s:o, s:o}", "prompt", text_json(prompt), "gaon",
				result_json(gaon));
	bool good = all && (!cpu || !json_object_set_new(all, "processor", result_json(cpu))) &&
		    !json_dumpf(all, stdout, JSON_INDENT(1)) && putchar('\n') == '\n';

	if (!good)
		fputs("gaon-demo-llm: the result cannot be written\n", stderr);
	json_decref(all);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = {
		.model = getenv("GAON_LLM"),
		.plugin = GGML_PLUGIN,
		.prompt = "Why is the sky blue? Answer in two sentences.",
		.tokens = 128,
		.threads = 2,
	};
	struct result gaon = { .text = NULL }, cpu = { .text = NULL };
	ggml_backend_dev_t device;
	int leave = parse_options(argc, argv, &o);
	bool good;

	if (leave)
		return leave - 1;
	unsetenv("GGML_BACKEND_PATH");
	device = llm_start(o.plugin);
	if (!device)
		return 1;
	if (!o.json)
		printf("%s, %s\n> %s\n\n", ggml_backend_dev_description(device),
		       strrchr(o.model, '/') ? strrchr(o.model, '/') + 1 : o.model, o.prompt);
	good = run(&o, device, !o.json, &gaon) && (o.no_processor || run(&o, NULL, false, &cpu));
	if (good && o.json)
		good = print_json(o.prompt, &gaon, o.no_processor ? NULL : &cpu);
	else if (good)
		print_result(&gaon, o.no_processor ? NULL : &cpu);
	free(gaon.text);
	free(cpu.text);
	return !good;
}
