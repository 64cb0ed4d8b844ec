// SPDX-License-Identifier: MIT
/* gaon fw: firmware images looked at, verified, signed and installed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hw/gaon_admin.h>

#include "../../firmware/sign/image.h"
#include "cmd.h"
#include "file.h"
#include "fw/fw.h"

struct request {
	const char *action, *file, *key, *output, *directory;
	uint32_t version;		/* of a payload that is to be an image; 0: the image's */
	uint64_t load, security;
	bool load_given, security_given, force, json;
};

/* --- what there is to tell --------------------------------------------------------------------- */

static json_t *hex_json(const uint8_t *bytes, size_t count)
{
	char text[2 * 64 + 1];

	for (size_t i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static const char *version_text(const struct gaon_fw_header *h, char *text, size_t size)
{
	snprintf(text, size, "%u.%u.%u", h->version >> 24, h->version >> 16 & 0xff, h->version & 0xffff);
	return text;
}

static json_t *header_json(const struct gaon_fw_header *h)
{
	char version[24], build[sizeof(h->build) + 1];

	version_text(h, version, sizeof(version));
	snprintf(build, sizeof(build), "%.*s", (int)sizeof(h->build), (const char *)h->build);
	return json_pack("{s:s, s:I, s:i, s:i, s:I, s:I, s:I, s:o, s:o, s:o}", "version", version, "security_version",
			 (json_int_t)h->security_version, "abi_min", h->abi_min, "abi_max", h->abi_max, "load_address",
			 (json_int_t)h->load_addr, "entry", (json_int_t)h->entry, "payload_bytes",
			 (json_int_t)h->payload_size, "build", cmd_json_text(build), "payload_sha256",
			 hex_json(h->payload_sha256, sizeof(h->payload_sha256)), "key_id",
			 hex_json(h->key_id, sizeof(h->key_id)));
}

static json_t *check_json(const struct fw_image *image, enum fw_check check, bool looked)
{
	return looked ? json_boolean(image->good[check]) : json_null();
}

static void print_image(const struct fw_image *image, const char *path, bool development)
{
	const struct gaon_fw_header *h = &image->header;
	char version[24];

	if (!image->good[FW_CHECK_HEADER])
		return;
	printf("image        %s, %zu bytes, for GA1\n", path, image->size);
	printf("version      %s, %.*s, security version %u\n", version_text(h, version, sizeof(version)),
	       (int)sizeof(h->build), (const char *)h->build, h->security_version);
	printf("admin ABI    %u to %u; this release speaks %u to %u\n", h->abi_min, h->abi_max,
	       (unsigned int)GAON_ABI_MIN, (unsigned int)GAON_ABI_MAX);
	printf("payload      %u bytes at %#x, entry %#x, digest %s\n", h->payload_size, h->load_addr, h->entry,
	       image->good[FW_CHECK_DIGEST] ? "right" : "WRONG");
	printf("key          ");
	for (size_t i = 0; i < sizeof(h->key_id); i++)
		printf("%02x", h->key_id[i]);
	printf("%s\n", image->good[FW_CHECK_KEY] && development ?
	       ", the development key: anybody can sign with it" : "");
	printf("signature    %s\n", image->good[FW_CHECK_SIGNATURE] ? "right" : "not verified");
}

/* A refusal is told in JSON as well. */
static int show(const struct request *r, struct fw_image *image, bool good, const char *installed)
{
	bool header = image->good[FW_CHECK_HEADER], digest = image->good[FW_CHECK_DIGEST];
	bool key = image->good[FW_CHECK_KEY];

	if (r->json)
		cmd_print_json(json_pack("{s:s, s:s, s:b, s:o, s:{s:b, s:o, s:o, s:o}, s:o, s:o}", "action", r->action, "file",
					 r->file, "good", good, "fault", cmd_json_text(image->fault), "checks", "header",
					 header, "digest", check_json(image, FW_CHECK_DIGEST, header), "key",
					 check_json(image, FW_CHECK_KEY, digest), "signature",
					 check_json(image, FW_CHECK_SIGNATURE, key), "header", header ?
					 header_json(&image->header) : json_null(), "output",
					 installed ? json_string(installed) : json_null()));
	else
		print_image(image, r->file, !r->key);
	if (!good && image->fault[0])
		fprintf(stderr, "gaon fw: %s: %s\n", r->file, image->fault);
	return good ? CMD_OK : CMD_FAILED;
}

/* --- inspect, verify --------------------------------------------------------------------------- */

/* Whose key it is does not make an image worse to look at. */
static int inspect(const struct request *r, struct fw_image *image, EVP_PKEY *key)
{
	bool whole;

	fw_image_check(image, key);
	whole = image->good[FW_CHECK_DIGEST];
	if (whole && !image->good[FW_CHECK_SIGNATURE])
		image->fault[0] = '\0';
	return show(r, image, whole, NULL);
}

static int verify(const struct request *r, struct fw_image *image, EVP_PKEY *key)
{
	return show(r, image, fw_image_check(image, key), NULL);
}

/* --- sign -------------------------------------------------------------------------------------- */

/* What is no image yet is a payload, whose entry is its first byte. */
static bool make_image(const struct request *r, struct fw_image *image)
{
	size_t padded = (image->size + 15) & ~(size_t)15, size = sizeof(image->header) + padded;
	static const char build[] = "gaon fw sign";
	uint8_t *data;

	if (!r->load_given || !r->version) {
		fprintf(stderr, "gaon fw: %s is no image; a payload is made one with --load ADDRESS --firmware-version X.Y.Z\n",
			r->file);
		return false;
	}
	if (!image->size || size > GAON_FW_MAX_SIZE) {
		fprintf(stderr, "gaon fw: %s has %zu bytes; a payload has 1 to %zu\n", r->file, image->size,
			GAON_FW_MAX_SIZE - sizeof(image->header));
		return false;
	}
	data = calloc(1, size);
	if (!data)
		return false;
	memcpy(data + sizeof(image->header), image->data, image->size);
	free(image->data);
	image->data = data;
	image->size = size;
	image->header = (struct gaon_fw_header){
		.magic = GAON_FW_MAGIC,
		.header_version = GAON_FW_HEADER_VERSION,
		.header_size = sizeof(image->header),
		.payload_size = (uint32_t)padded,
		.chip = GAON_FW_CHIP_GA1,
		.load_addr = (uint32_t)r->load,
		.entry = (uint32_t)r->load,
		.security_version = 1,
		.abi_min = GAON_ABI_MIN,
		.abi_max = GAON_ABI_MAX,
	};
	memcpy(image->header.build, build, sizeof(build));
	return true;
}

static int sign(const struct request *r, struct fw_image *image)
{
	EVP_PKEY *key = NULL;
	int code = CMD_FAILED;

	if (image->size < sizeof(image->header) || image->header.magic != GAON_FW_MAGIC) {
		if (!make_image(r, image))
			return CMD_FAILED;
	}
	if (r->version)
		image->header.version = r->version;
	if (r->security_given)
		image->header.security_version = (uint32_t)r->security;
	key = fw_image_read_key(r->key);
	/* The payload's length is the header's: it is looked at before anything is computed with it. */
	fw_image_check(image, NULL);
	if (!key)
		fprintf(stderr, "gaon fw: %s holds no Ed25519 private key: openssl genpkey -algorithm ed25519 -out %s\n", r->key,
			r->key);
	else if (!image->good[FW_CHECK_HEADER])
		fprintf(stderr, "gaon fw: %s: %s\n", r->file, image->fault);
	else if (fw_image_seal(&image->header, image->data + sizeof(image->header), key))
		fprintf(stderr, "gaon fw: libcrypto cannot sign\n");
	else
		code = CMD_OK;
	if (!code) {
		image->size = sizeof(image->header) + image->header.payload_size;
		memcpy(image->data, &image->header, sizeof(image->header));
		if (!fw_image_check(image, key) || !file_replace(r->output, image->data, image->size, 0644))
			code = CMD_FAILED;
		show(r, image, !code, code ? NULL : r->output);
	}
	EVP_PKEY_free(key);
	return code;
}

/* --- install ----------------------------------------------------------------------------------- */

/* An older one of a lower security version may be refused by cards that have run the newer. */
static bool may_install(const struct request *r, const struct fw_image *image, const char *target)
{
	const struct gaon_fw_header *h = &image->header;
	struct fw_image old;
	bool rollback;

	if (r->force)
		return true;
	if (h->abi_min > GAON_ABI_MAX || h->abi_max < GAON_ABI_MIN) {
		fprintf(stderr, "gaon fw: %s speaks admin ABI %u to %u, this release %u to %u; --force installs it all the same\n",
			r->file, h->abi_min, h->abi_max, (unsigned int)GAON_ABI_MIN,
			(unsigned int)GAON_ABI_MAX);
		return false;
	}
	if (access(target, F_OK) || !fw_image_read(&old, target))
		return true;
	rollback = fw_image_check(&old, NULL) && old.header.security_version > h->security_version;
	if (rollback)
		fprintf(stderr, "gaon fw: %s has security version %u, the installed one %u: cards that have run that refuse this; --force installs it all the same\n",
			r->file, h->security_version, old.header.security_version);
	fw_image_free(&old);
	return !rollback;
}

static int install(const struct request *r, struct fw_image *image, EVP_PKEY *key)
{
	char target[1024], *slash;
	int code = CMD_FAILED;
	struct stat st;

	if (snprintf(target, sizeof(target), "%s/" GAON_FW_FILE, r->directory) >= (int)sizeof(target)) {
		fprintf(stderr, "gaon fw: the name of the directory is too long\n");
		return CMD_FAILED;
	}
	if (!fw_image_check(image, key))
		return show(r, image, false, NULL);
	slash = strrchr(target, '/');
	*slash = '\0';
	if (stat(r->directory, &st) || (mkdir(target, 0755) && errno != EEXIST) || access(target, W_OK)) {
		fprintf(stderr, "gaon fw: %s cannot be written: %s%s\n", target, strerror(errno),
			errno == EACCES ? "; sudo gaon fw install ..." : "");
		return show(r, image, false, NULL);
	}
	*slash = '/';
	if (may_install(r, image, target) && file_replace(target, image->data, image->size, 0644))
		code = CMD_OK;
	show(r, image, !code, code ? NULL : target);
	if (!code && !r->json)
		printf("installed    %s; cards get it when the driver is loaded: gaon module unload && gaon module load\n",
		       target);
	return code;
}

/* --- the command line -------------------------------------------------------------------------- */

static int act(const struct request *r)
{
	struct fw_image image;
	EVP_PKEY *key = NULL;
	int code = CMD_FAILED;

	if (!fw_image_read(&image, r->file))
		return CMD_FAILED;
	if (!strcmp(r->action, "sign")) {
		code = sign(r, &image);
	} else if ((key = fw_key_read(r->key))) {
		if (!strcmp(r->action, "inspect"))
			code = inspect(r, &image, key);
		else if (!strcmp(r->action, "verify"))
			code = verify(r, &image, key);
		else
			code = install(r, &image, key);
	}
	EVP_PKEY_free(key);
	fw_image_free(&image);
	return code;
}

static bool take_option(struct request *r, int c)
{
	switch (c) {
	case 'k': r->key = optarg; return true;
	case 'o': r->output = optarg; return true;
	case 'D': r->directory = optarg; return true;
	case 'f': r->force = true; return true;
	case 'l': return r->load_given = cmd_parse_u64(optarg, UINT32_MAX, &r->load);
	case 's': return r->security_given = cmd_parse_u64(optarg, UINT32_MAX, &r->security);
	default: return fw_version_parse(optarg, &r->version);
	}
}

static int fw_run(const struct cmd *cmd, int argc, char **argv)
{
	struct request r = { .directory = "/lib/firmware" };
	struct cmd_common common = { 0 };
	bool signs;
	int c;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (!take_option(&r, c)) {
			fprintf(stderr, "gaon fw: -%c takes %s, not '%s'\n", c, c == 'V' ? "a version as 1.2.3" :
				"a number of 32 bits", optarg);
			return CMD_USAGE;
		}
	}
	if (c == CMD_STOP)
		return common.code;
	if (argc - optind != 2 || (strcmp(argv[optind], "inspect") && strcmp(argv[optind], "verify") &&
				   strcmp(argv[optind], "sign") && strcmp(argv[optind], "install")))
		return cmd_usage(cmd, true);
	r.action = argv[optind];
	r.file = argv[optind + 1];
	r.json = common.json;
	signs = !strcmp(r.action, "sign");
	if (signs && (!r.key || !r.output)) {
		fprintf(stderr, "gaon fw: sign needs --key PRIVATE.pem and --output IMAGE\n");
		return CMD_USAGE;
	}
	return act(&r);
}

static const struct cmd_option fw_options[] = {
	{ "key", "KEY.pem", "Ed25519 key (default: the development key's public half)", 'k' },
	{ "output", "IMAGE", "sign: where the signed image goes", 'o' },
	{ "security-version", "N", "sign: of the image, against rollback", 's' },
	{ "firmware-version", "X.Y.Z", "sign: of the image", 'V' },
	{ "load", "ADDRESS", "sign: of a payload that is no image yet", 'l' },
	{ "directory", "DIR", "install: where (default /lib/firmware)", 'D' },
	{ "force", NULL, "install: also another ABI, or a lower security version", 'f' },
	{ 0 },
};

const struct cmd cmd_fw = {
	.name = "fw",
	.summary = "look at, verify, sign and install firmware images",
	.operands = "inspect|verify|sign|install FILE",
	.words = "inspect verify sign install",
	.options = fw_options,
	.text = "inspect tells what an image is, and whether it is whole; verify also that --key signed it, by the checks of a\n"
		"card's ROM; sign signs an image anew, or a payload; install verifies, and puts it where the kernel looks.\n"
		"Exit status: 0 good, or done; 1 not good, or failed; 2 usage.\n",
	.run = fw_run,
};
