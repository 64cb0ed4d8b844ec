// SPDX-License-Identifier: MIT
/* The command line of gaon-sim --vfio-user. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#include "../hart/hart.h"
#include "../runner/runner.h"
#include "server.h"

enum {
	OPT_PATH = 256, OPT_HBM, OPT_APERTURE, OPT_SCRATCHPAD, OPT_CORES, OPT_VLEN, OPT_SLOTS,
	OPT_VECTORS, OPT_THREADS, OPT_EFFECTS, OPT_NO_TIME, OPT_DEBUG_FUSE, OPT_NV, OPT_KEY,
	OPT_LIE, OPT_FLAW, OPT_SERIAL, OPT_AMBIENT, OPT_TORUS, OPT_CUT, OPT_TRAP_APERTURE, OPT_ONCE,
	OPT_NO_SANDBOX, OPT_VERBOSE, OPT_QUIET,
	OPT_HELP, OPT_VERSION,
};

static const struct option longs[] = {
	{ "vfio-user", required_argument, NULL, OPT_PATH },
	{ "hbm", required_argument, NULL, OPT_HBM },
	{ "aperture", required_argument, NULL, OPT_APERTURE },
	{ "scratchpad", required_argument, NULL, OPT_SCRATCHPAD },
	{ "cores", required_argument, NULL, OPT_CORES },
	{ "vlen", required_argument, NULL, OPT_VLEN },
	{ "slots", required_argument, NULL, OPT_SLOTS },
	{ "msix-vectors", required_argument, NULL, OPT_VECTORS },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "effects", required_argument, NULL, OPT_EFFECTS },
	{ "no-time", no_argument, NULL, OPT_NO_TIME },
	{ "debug-fuse", no_argument, NULL, OPT_DEBUG_FUSE },
	{ "nv", required_argument, NULL, OPT_NV },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "lie", required_argument, NULL, OPT_LIE },
	{ "flaw", required_argument, NULL, OPT_FLAW },
	{ "ambient", required_argument, NULL, OPT_AMBIENT },
	{ "torus", required_argument, NULL, OPT_TORUS },
	{ "cut", required_argument, NULL, OPT_CUT },
	{ "trap-aperture", no_argument, NULL, OPT_TRAP_APERTURE },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

void vfu_usage(FILE *out)
{
	fputs("usage: gaon-sim --vfio-user PATH [--vfio-user PATH]... [options]\n"
	      "Serve the accelerator's model as a PCI Express function to a virtual machine.\n"
	      "\n"
	      "  --vfio-user PATH        listen on the UNIX socket PATH; several: several devices\n"
	      "  --hbm SIZE              device memory, e.g. 512M, 4G (default 32G, used as it is touched)\n"
	      "  --aperture SIZE         part of it that BAR2 shows (default all)\n"
	      "  --scratchpad SIZE       per core (default 4M)\n"
	      "  --cores N               1 to 64 (default 4)\n"
	      "  --vlen BITS             vector length, a power of two, 128 to 65536 (default 4096)\n"
	      "  --slots N               hardware queue slots, 1 to 64 (default 32)\n"
	      "  --msix-vectors N        1 to 8 (default 8)\n"
	      "  --threads N             host threads that execute each device (default: processors)\n"
	      "  --effects WHEN          normal, early or late: when asynchronous effects happen\n"
	      "  --no-time               leave modelled time out\n"
	      "  --debug-fuse            allow error injection\n"
	      "  --ambient DEGREES       temperature of the air around the card, Celsius, 1 to 125 (default 35)\n"
	      "  --serial N              what the serial number ends in, 1 to 999000 (default 1); more devices\n"
	      "                          have the next ones\n"
	      "  --nv FILE               keep the non-volatile state in FILE (FILE.1, ... for more devices)\n"
	      "  --key FILE              trust firmware signed with this 32-byte Ed25519 public key only\n"
	      "  --lie KIND[+KIND]...[,SEED[,EVERY]]\n"
	      "                          tell the host what is not so, about: reply, index, late, twice, never,\n"
	      "                          identify, telemetry, log, event, heartbeat, register, tlbi, outside,\n"
	      "                          stuck, hung, tangled, deaf, or all;\n"
	      "                          one occasion in EVERY (8) is used, chosen by SEED (0: the\n"
	      "                          clock, and printed): for tests of drivers\n"
	      "  --flaw KIND[+KIND]...   break what the chip does not notice: hbm:OFFSET:BIT, spm:CORE:OFFSET:BIT,\n"
	      "                          core:CORE:UNIT (integer, multiply, float, vector, matrix), or leave a\n"
	      "                          part of a speed: link:PERCENT, memory:PERCENT, clock:PERCENT\n"
	      "  --torus XxYxZ           join the devices, the first at 0,0,0 and x first, by links of their own;\n"
	      "                          one to four dimensions\n"
	      "  --cut DEVICE:PORT       but the cable at that port (0 x+, 1 x-, 2 y+, ...) is cut; may be repeated\n"
	      "  --trap-aperture         the client may not map BAR2: slow, for tests\n"
	      "  --once                  end when every device has had a client\n"
	      "  --no-sandbox            keep all system calls (for debuggers and sanitizers)\n"
	      "  --verbose, --quiet      say more, say errors only\n"
	      "  --help, --version\n"
	      "\n"
	      "For QEMU 10.1 or newer, with shared guest memory:\n"
	      "  -object memory-backend-memfd,id=mem,size=2G,share=on -machine memory-backend=mem \\\n"
	      "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"PATH\"}}'\n"
	      "Exit status: 0 after SIGTERM, SIGINT or --once; 125: a bad option or socket.\n",
	      out);
}

static const char *option_name(int opt)
{
	for (const struct option *o = longs; o->name; o++)
		if (o->val == opt)
			return o->name;
	return "?";
}

static int parse_size(int opt, const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (!errno && end != text && !strchr(text, '-')) {
		unit = *end ? strchr(units, *end & ~0x20) : NULL;
		if (!*end)
			return 0;
		if (unit && !end[1] && *out <= UINT64_MAX >> 10 * (unit - units + 1)) {
			*out <<= 10 * (unit - units + 1);
			return 0;
		}
	}
	fprintf(stderr, "gaon-sim: --%s: '%s' is not a size such as 512M or 4G\n", option_name(opt), text);
	return -1;
}

static int parse_count(int opt, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (!errno && end != text && !*end && !strchr(text, '-') && value >= min && value <= max) {
		*out = value;
		return 0;
	}
	fprintf(stderr, "gaon-sim: --%s: '%s' is not a number from %u to %u\n", option_name(opt), text,
		min, max);
	return -1;
}

static int parse_effects(const char *text, enum gaon_sim_effects *out)
{
	static const char * const names[] = { "normal", "early", "late" };

	for (unsigned int i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*out = (enum gaon_sim_effects)i;
			return 0;
		}
	}
	fprintf(stderr, "gaon-sim: --effects: '%s' is none of normal, early, late\n", text);
	return -1;
}

static int parse_key(const char *path, struct gaon_sim_config *config)
{
	static uint8_t key[1][32];
	uint8_t extra;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, key[0], sizeof(key[0]));

	if (n < 0)
		fprintf(stderr, "gaon-sim: --key: cannot read %s: %s\n", path, strerror(errno));
	else if (n != sizeof(key[0]) || read(fd, &extra, 1) != 0)
		fprintf(stderr, "gaon-sim: --key: %s is not a raw public key of 32 bytes\n", path);
	else
		config->public_keys = key;
	if (fd >= 0)
		close(fd);
	config->public_key_count = config->public_keys ? 1 : 0;
	return config->public_keys ? 0 : -1;
}

/* Bits of the kinds in [@text, @text + @len), 0 if one is unknown. */
static uint32_t parse_lies(const char *text, size_t len)
{
	uint32_t lies = 0;

	for (size_t at = 0, n; at <= len; at += n + 1) {
		unsigned int kind = 0;
		const char *name;

		n = strcspn(text + at, "+,");
		while ((name = gaon_sim_lie_name(kind)) && (strlen(name) != n || strncmp(name, text + at, n)))
			kind++;
		if (!name && (n != 3 || strncmp(text + at, "all", 3)))
			return 0;
		lies |= name ? 1u << kind : (1u << GAON_SIM_LIES) - 1;
	}
	return lies;
}

static int parse_lie(const char *text, struct gaon_sim_config *config)
{
	const char *seed = strchr(text, ',');
	char *end = NULL;

	config->lies = parse_lies(text, seed ? (size_t)(seed - text) : strlen(text));
	errno = 0;
	if (seed)
		config->lie_seed = strtoull(seed + 1, &end, 0);
	if (!config->lies || errno || (seed && (end == seed + 1 || (*end && *end != ',')))) {
		fprintf(stderr, "gaon-sim: --lie: '%s' is not KIND[+KIND]...[,SEED[,EVERY]]; see --help for the kinds\n",
			text);
		return -1;
	}
	if (!config->lie_seed) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		config->lie_seed = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
	}
	fprintf(stderr, "gaon-sim: --lie: seed %llu\n", (unsigned long long)config->lie_seed);
	if (seed && *end)
		return parse_count(OPT_LIE, end + 1, 1, 1000000, &config->lie_every);
	return 0;
}

static int parse_path(struct vfu_server_options *o, const char *path)
{
	if (o->devices == VFU_DEVICES_MAX) {
		fprintf(stderr, "gaon-sim: more than %d devices\n", VFU_DEVICES_MAX);
		return -1;
	}
	o->path[o->devices++] = path;
	return 0;
}

static int parse_vlen(const char *text, uint32_t *vlen)
{
	if (parse_count(OPT_VLEN, text, SIM_VLEN_MIN, SIM_VLEN_MAX, vlen))
		return -1;
	if (!(*vlen & (*vlen - 1)))
		return 0;
	fprintf(stderr, "gaon-sim: --vlen: %s is not a power of two\n", text);
	return -1;
}

static int parse_ambient(const char *text, int32_t *ambient_mc)
{
	uint32_t degrees;

	if (parse_count(OPT_AMBIENT, text, 1, 125, &degrees))
		return -1;
	*ambient_mc = (int32_t)degrees * 1000;
	return 0;
}

static int parse_shape(struct gaon_sim_config *c, int opt, const char *text)
{
	switch (opt) {
	case OPT_HBM:
		return parse_size(opt, text, &c->hbm_bytes);
	case OPT_APERTURE:
		return parse_size(opt, text, &c->aperture_bytes);
	case OPT_SCRATCHPAD:
		return parse_size(opt, text, &c->spm_bytes);
	case OPT_CORES:
		return parse_count(opt, text, 1, 64, &c->cores);
	case OPT_VLEN:
		return parse_vlen(text, &c->vlen);
	case OPT_SLOTS:
		return parse_count(opt, text, 1, 64, &c->slots);
	case OPT_VECTORS:
		return parse_count(opt, text, 1, GAON_MSIX_VECTORS, &c->msix_vectors);
	case OPT_THREADS:
		return parse_count(opt, text, 1, 255, &c->threads);
	case OPT_SERIAL:
		return parse_count(opt, text, 1, 999000, &c->serial);
	case OPT_AMBIENT:
		return parse_ambient(text, &c->ambient_mc);
	case OPT_EFFECTS:
		return parse_effects(text, &c->effects);
	case OPT_KEY:
		return parse_key(text, c);
	default:
		return -1;
	}
}

static int parse_option(struct vfu_server_options *o, int opt, const char *text)
{
	switch (opt) {
	case OPT_PATH:
		return parse_path(o, text);
	case OPT_NO_TIME:
		o->device.config.no_time = true;
		return 0;
	case OPT_DEBUG_FUSE:
		o->device.config.debug_fuse = true;
		return 0;
	case OPT_NV:
		o->nv = text;
		return 0;
	case OPT_LIE:
		return parse_lie(text, &o->device.config);
	case OPT_FLAW:
		if (gaon_sim_flaws_parse(text, &o->device.config.flaws))
			return 0;
		fprintf(stderr, "gaon-sim: --flaw: '%s' is none; --help lists them\n", text);
		return -1;
	case OPT_TORUS:
		if (vfu_torus_parse(&o->torus, text))
			return 0;
		fprintf(stderr, "gaon-sim: --torus: '%s' is not one to %d sizes such as 4x4x2, of %d devices at most\n",
			text, VFU_DIMENSIONS, VFU_DEVICES_MAX);
		return -1;
	case OPT_CUT:
		if (vfu_torus_cut(&o->torus, text))
			return 0;
		fprintf(stderr, "gaon-sim: --cut: '%s' is not DEVICE:PORT, as 0:1 for x- of the first (at most %d of them)\n",
			text, VFU_CUTS_MAX);
		return -1;
	case OPT_TRAP_APERTURE:
		o->device.trap_aperture = true;
		return 0;
	case OPT_ONCE:
		o->once = true;
		return 0;
	case OPT_NO_SANDBOX:
		o->no_sandbox = true;
		return 0;
	case OPT_VERBOSE:
		o->device.log_level = 7;
		return 0;
	case OPT_QUIET:
		o->device.log_level = 3;
		return 0;
	default:
		return parse_shape(&o->device.config, opt, text);
	}
}

/* What the model would refuse, with a reason. */
static int check_shape(const struct gaon_sim_config *c)
{
	const uint64_t mib = 1ull << 20;
	uint64_t hbm = c->hbm_bytes ? c->hbm_bytes : 32ull << 30;

	if (hbm < 16 * mib || hbm > 1ull << 40 || hbm % (2 * mib))
		fputs("gaon-sim: --hbm: must be a multiple of 2M, from 16M to 1T\n", stderr);
	else if (c->aperture_bytes && (c->aperture_bytes > hbm || c->aperture_bytes % mib))
		fprintf(stderr, "gaon-sim: --aperture: must be a multiple of 1M, at most HBM's %lluM\n",
			(unsigned long long)(hbm / mib));
	else if (c->spm_bytes && (c->spm_bytes < 65536 || c->spm_bytes > 64 * mib || c->spm_bytes % 4096))
		fputs("gaon-sim: --scratchpad: must be a multiple of 4K, from 64K to 64M\n", stderr);
	else
		return 0;
	return -1;
}

static int check_torus(const struct vfu_server_options *o)
{
	unsigned int devices = vfu_torus_devices(&o->torus);

	if (devices && devices != o->devices) {
		fprintf(stderr, "gaon-sim: --torus: it has %u devices, and --vfio-user was given %u times\n", devices,
			o->devices);
		return -1;
	}
	for (unsigned int i = 0; i < o->torus.cuts; i++) {
		if (o->torus.cut[i].device < devices && o->torus.cut[i].port < vfu_torus_ports(&o->torus))
			continue;
		fprintf(stderr, "gaon-sim: --cut: %u:%u: the torus has devices 0 to %u with ports 0 to %u\n",
			o->torus.cut[i].device, o->torus.cut[i].port, devices ? devices - 1 : 0,
			devices ? vfu_torus_ports(&o->torus) - 1 : 0);
		return -1;
	}
	return 0;
}

int vfu_options_parse(struct vfu_server_options *o, int argc, char **argv)
{
	int opt, bad = 0;

	memset(o, 0, sizeof(*o));
	o->device.log_level = 5;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == '?')
			bad = 1;
		else
			bad |= parse_option(o, opt, optarg);
	}
	if (!bad && optind < argc) {
		fprintf(stderr, "gaon-sim: '%s': nothing is expected here\n", argv[optind]);
		bad = 1;
	}
	if (!bad)
		bad = check_shape(&o->device.config) || check_torus(o);
	if (!bad)
		return 0;
	fputs("Try 'gaon-sim --vfio-user PATH --help'.\n", stderr);
	return SIM_RUNNER_ERROR;
}

bool vfu_wanted(int argc, char **argv)
{
	static const char name[] = "--vfio-user";

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, sizeof(name) - 1) &&
		    (!argv[i][sizeof(name) - 1] || argv[i][sizeof(name) - 1] == '='))
			return true;
	return false;
}

int vfu_main(int argc, char **argv)
{
	struct vfu_server_options options;
	int status;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			vfu_usage(stdout);
			return 0;
		}
		if (!strcmp(argv[i], "--version")) {
			puts("gaon-sim " GAON_VERSION);
			return 0;
		}
	}
	status = vfu_options_parse(&options, argc, argv);
	return status ? status : vfu_server_run(&options);
}
