// SPDX-License-Identifier: MIT
/*
 * gaon-sim: run a bare-metal RISC-V program on one core of the device model, or (../vfio) serve the
 * whole device to virtual machines.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hart/hart.h"
#include "../vfio/server.h"
#include "runner.h"

static void usage(FILE *out)
{
	fputs("usage: gaon-sim --elf FILE [options]\n"
	      "       gaon-sim --vfio-user PATH [options]    serve a virtual machine; has its own --help\n"
	      "Run a bare-metal RISC-V program on one core of the accelerator's model.\n"
	      "\n"
	      "  --elf FILE              an RV64 executable, or RV32 with --mcu\n"
	      "  --mcu                   run on the management core (RV32IMAC)\n"
	      "  --vlen BITS             vector length, a power of two, 128 to 65536 (default 4096)\n"
	      "  --trace                 print each instruction on standard error\n"
	      "  --max-instructions N    stop after N instructions, exit status 124\n"
	      "  --help, --version\n"
	      "\n"
	      "The program ends by storing to its symbol tohost; the exit status is that value\n"
	      "shifted right by one. 124: limit reached, 125: bad option or file, 126: the program\n"
	      "faults in its own trap handler.\n", out);
}

static int parse_number(const char *option, const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (!errno && end != text && !*end && !strchr(text, '-'))
		return 0;
	fprintf(stderr, "gaon-sim: %s: '%s' is not a number\n", option, text);
	return -1;
}

static int parse_vlen(const char *text, unsigned int *vlen)
{
	uint64_t v;

	if (parse_number("--vlen", text, &v))
		return -1;
	if (v < SIM_VLEN_MIN || v > SIM_VLEN_MAX || (v & (v - 1))) {
		fprintf(stderr, "gaon-sim: --vlen: %s is not a power of two from %d to %d\n", text,
			SIM_VLEN_MIN, SIM_VLEN_MAX);
		return -1;
	}
	*vlen = (unsigned int)v;
	return 0;
}

int main(int argc, char **argv)
{
	enum { OPT_ELF = 256, OPT_MCU, OPT_VLEN, OPT_TRACE, OPT_MAX, OPT_HELP, OPT_VERSION };
	static const struct option longs[] = {
		{ "elf", required_argument, NULL, OPT_ELF },
		{ "mcu", no_argument, NULL, OPT_MCU },
		{ "vlen", required_argument, NULL, OPT_VLEN },
		{ "trace", no_argument, NULL, OPT_TRACE },
		{ "max-instructions", required_argument, NULL, OPT_MAX },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct sim_runner_options options = { .vlen = 4096, .max_instructions = UINT64_MAX };
	const char *elf = NULL;
	bool mcu = false;
	int opt, bad = 0;

	if (vfu_wanted(argc, argv))
		return vfu_main(argc, argv);
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case OPT_ELF:
			elf = optarg;
			break;
		case OPT_MCU:
			mcu = true;
			break;
		case OPT_VLEN:
			bad |= parse_vlen(optarg, &options.vlen);
			break;
		case OPT_TRACE:
			options.trace = true;
			break;
		case OPT_MAX:
			bad |= parse_number("--max-instructions", optarg, &options.max_instructions);
			break;
		case OPT_HELP:
			usage(stdout);
			return 0;
		case OPT_VERSION:
			puts("gaon-sim " GAON_VERSION);
			return 0;
		default:
			bad = 1;
		}
	}
	if (!bad && (!elf || optind < argc)) {
		fputs(elf ? "gaon-sim: too many arguments\n" :
			    "gaon-sim: no --elf FILE and no --vfio-user PATH\n", stderr);
		bad = 1;
	}
	if (bad) {
		fputs("Try 'gaon-sim --help'.\n", stderr);
		return SIM_RUNNER_ERROR;
	}
	return mcu ? sim_runner_mcu(elf, &options) : sim_runner_core(elf, &options);
}
