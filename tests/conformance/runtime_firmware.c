// SPDX-License-Identifier: MIT
/*
 * Firmware images that the device must refuse, as a program meets them: opening fails with what is
 * wrong and what to do about it, and the same process opens the device with a good image afterwards.
 */
#include <sys/wait.h>
#include <unistd.h>

#include <hw/gaon_fwimage.h>
#include <hw/gaon_regs.h>

#include "runtime/rt.h"

enum damage {
	DAMAGE_PAYLOAD, DAMAGE_SIGNATURE, DAMAGE_UNSIGNED, DAMAGE_VERSION, DAMAGE_MAGIC, CUT_PAYLOAD,
	CUT_HEADER, CUT_ALL, OLDER, CASES
};

static const struct {
	unsigned int error;
	const char *word;
} expected[CASES] = {
	[DAMAGE_PAYLOAD] = { GAON_BOOT_HASH, "SHA-256" },
	[DAMAGE_SIGNATURE] = { GAON_BOOT_SIGNATURE, "not signed" },
	[DAMAGE_UNSIGNED] = { GAON_BOOT_SIGNATURE, "not signed" },
	/* Newer than it was signed as. */
	[DAMAGE_VERSION] = { GAON_BOOT_SIGNATURE, "not signed" },
	[DAMAGE_MAGIC] = { GAON_BOOT_MAGIC, "no firmware image" },
	[CUT_PAYLOAD] = { GAON_BOOT_TRUNCATED, "truncated" },
	[CUT_HEADER] = { GAON_BOOT_TRUNCATED, "truncated" },
	[CUT_ALL] = { GAON_BOOT_TRUNCATED, "truncated" },
	[OLDER] = { GAON_BOOT_ROLLBACK, "older" },
};

static size_t read_image(uint8_t *image)
{
	FILE *f = fopen(RT_FIRMWARE, "rb");
	size_t size;

	ck_assert_msg(f, "%s is not there", RT_FIRMWARE);
	size = fread(image, 1, GAON_FW_MAX_SIZE, f);
	fclose(f);
	ck_assert_uint_gt(size, sizeof(struct gaon_fw_header));
	return size;
}

static size_t damage_image(enum damage what, uint8_t *image, size_t size)
{
	struct gaon_fw_header h;

	memcpy(&h, image, sizeof(h));
	switch (what) {
	case DAMAGE_PAYLOAD:
		image[sizeof(h) + rt_random() % h.payload_size] ^= (uint8_t)(1u << rt_random() % 8);
		break;
	case DAMAGE_SIGNATURE:
		h.signature[rt_random() % sizeof(h.signature)] ^= 1;
		break;
	case DAMAGE_UNSIGNED:
		memset(h.signature, 0, sizeof(h.signature));
		break;
	case DAMAGE_VERSION:
		h.security_version++;
		break;
	case DAMAGE_MAGIC:
		h.magic ^= 1;
		break;
	case CUT_PAYLOAD:
		size = sizeof(h) + rt_random() % h.payload_size;
		break;
	case CUT_HEADER:
		size = 1 + rt_random() % (sizeof(h) - 1);
		break;
	case CUT_ALL:
		size = 0;
		break;
	default:
		break;
	}
	if (what < CUT_PAYLOAD && what != DAMAGE_PAYLOAD)
		memcpy(image, &h, sizeof(h));
	return size;
}

static void write_file(char *path, const void *data, size_t size)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

/* In a child: 0, or the line of what was not so. */
static int refuse(enum damage what)
{
	char code[32];
	const struct gaon_error *e;
	struct gaon_device *d = NULL;
	struct gaon_mem *mem;
	uint64_t x = 0;

	if (gaon_device_open(NULL, &d) != GAON_ERROR_FIRMWARE || d)
		return __LINE__;
	e = gaon_last_error();
	printf("%s: %s; %s\n", gaon_status_name(e->status), e->text, e->hint);
	fflush(stdout);
	snprintf(code, sizeof(code), "boot error %#x", expected[what].error);
	if (!strstr(e->text, code) || !strstr(e->text, expected[what].word))
		return __LINE__;
	if (!e->hint[0])
		return __LINE__;
	unsetenv("GAON_FIRMWARE");
	unsetenv("GAON_SIM_NV");
	if (gaon_device_open(NULL, &d) || gaon_mem_alloc(d, 4096, GAON_MEM_DEVICE, &mem) ||
	    gaon_mem_fill(d, gaon_mem_va(mem), 7, 8, 64) ||
	    gaon_mem_read(d, &x, gaon_mem_va(mem), 8) || x != 7 || gaon_device_close(d))
		return __LINE__;
	return 0;
}

START_TEST(refused_images)
{
	char firmware[] = "/tmp/gaon-fw-XXXXXX", fuses[] = "/tmp/gaon-nv-XXXXXX";
	uint8_t *image = malloc(GAON_FW_MAX_SIZE);
	static const uint32_t newest = UINT32_MAX;
	size_t size = read_image(image);
	int status;
	pid_t pid;

	write_file(firmware, image, damage_image((enum damage)_i, image, size));
	write_file(fuses, &newest, sizeof(newest));
	free(image);
	/* A device is made once in each process. */
	pid = fork();
	if (!pid) {
		setenv("GAON_FIRMWARE", firmware, 1);
		if (_i == OLDER)
			setenv("GAON_SIM_NV", fuses, 1);
		_exit(refuse((enum damage)_i) & 0xff);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	unlink(firmware);
	unlink(fuses);
	ck_assert_msg(!status, "case %d: wait status %#x, line %d", _i, (unsigned int)status,
		      WEXITSTATUS(status));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime firmware");
	TCase *tc = tcase_create("images");

	/* Only there it is the library that boots the firmware. */
	setenv("GAON_DEVICE", "embedded", 1);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, refused_images, 0, CASES);
	suite_add_tcase(suite, tc);
	return rt_run(suite);
}
