// SPDX-License-Identifier: MIT
/*
 * What a user is told when a card cannot be opened: each cause, in a tree of files that looks like its
 * /sys, /dev, /proc and /lib, and a kernel module in process.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <drm/gaon_accel.h>
#include <gaon/gaon.h>
#include <hw/gaon_fwimage.h>

#include "../check_run.h"
#include "drm_kernel.h"

#define CARD	"0000:00:04.0"

static char root[64];
static struct utsname uts;

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char command[1024], script[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	snprintf(script, sizeof(script), "set -e; cd %s; %s", root, command);
	ck_assert_msg(!system(script), "%s", script);
}

static void setup(void)
{
	char make[600];

	strcpy(root, "/tmp/gaon-why-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(make, sizeof(make), "sh %s %s", DRM_KERNEL_SCRIPT, root);
	ck_assert(!system(make));
	ck_assert(!uname(&uts));
	setenv("GAON_SIM_HBM", "64M", 1);
	unsetenv("GAON_DEVICE");
	drm_kernel_install(root);
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
}

static void teardown(void)
{
	shell("cd /; rm -rf %s", root);
}

/* Opening @name fails with @status, and the text and the hint have these words. */
static void refused(const char *name, enum gaon_status status, const char *text, const char *hint)
{
	struct gaon_device *dev = NULL;
	const struct gaon_error *e = gaon_last_error();
	enum gaon_status got = gaon_device_open(name, &dev);

	ck_assert_msg(got == status, "%s instead of %s: %s", gaon_status_name(got),
		      gaon_status_name(status), e->text);
	ck_assert_msg(strstr(e->text, text) != NULL, "no \"%s\" in \"%s\"", text, e->text);
	ck_assert_msg(strstr(e->hint, hint) != NULL, "no \"%s\" in the hint \"%s\"", hint, e->hint);
	ck_assert_int_eq(atomic_load(&drm_kernel.files), 0);
	printf("%s: %s\n    %s\n", gaon_status_name(got), e->text, e->hint);
}

static void remove_node(void)
{
	shell("rm -r sys/class/accel/accel0 dev/accel/accel0");
}

static void unbind(void)
{
	remove_node();
	shell("rm sys/bus/pci/devices/" CARD "/driver");
}

/* --- the module ------------------------------------------------------------------------------ */

static void no_module(void)
{
	unbind();
	shell("rm -r sys/module/gaon");
}

/* A file that depmod and libkmod take for the module. */
static void install_module(void)
{
	shell("mkdir -p lib/modules/%s/extra; cd lib/modules/%s; "
	      "printf 'const char l[] __attribute__((section(\".modinfo\"))) = \"license=MIT\";' >m.c; "
	      "${CC:-cc} -c -o extra/gaon.ko m.c; rm m.c; : >modules.order; : >modules.builtin; "
	      "PATH=$PATH:/sbin:/usr/sbin depmod -b %s %s", uts.release, uts.release, root, uts.release);
}

START_TEST(module_not_loaded)
{
	no_module();
	install_module();
	refused(CARD, GAON_ERROR_NO_DEVICE, "is not loaded", "modprobe gaon");
	refused("accel0", GAON_ERROR_NO_DEVICE, "no device accel0", "GAON_DEVICE=embedded");
}
END_TEST

START_TEST(module_blacklisted)
{
	no_module();
	install_module();
	shell("mkdir -p etc/modprobe.d; echo blacklist gaon >etc/modprobe.d/no-gaon.conf");
	refused(CARD, GAON_ERROR_NO_DEVICE, "blacklists it", "/etc/modprobe.d");
}
END_TEST

START_TEST(module_not_installed)
{
	no_module();
	install_module();
	shell("rm lib/modules/%s/extra/gaon.ko; PATH=$PATH:/sbin:/usr/sbin depmod -b %s %s", uts.release,
	      root, uts.release);
	refused(CARD, GAON_ERROR_NO_DEVICE, "not installed for this kernel", "modules_install");
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, uts.release));
}
END_TEST

START_TEST(module_in_a_container)
{
	no_module();
	refused("accel7", GAON_ERROR_NO_DEVICE, "a container?", "on the host");
}
END_TEST

/* --- the driver and its card ----------------------------------------------------------------- */

START_TEST(no_such_card)
{
	refused("accel7", GAON_ERROR_NO_DEVICE, "no device accel7", "accel0 embedded");
	unbind();
	shell("rm -r sys/bus/pci/devices/" CARD);
	refused("accel0", GAON_ERROR_NO_DEVICE, "no device accel0", "lspci");
}
END_TEST

/* The same id and another subsystem: somebody else's. */
START_TEST(foreign_card)
{
	uint32_t count = 0;

	unbind();
	shell("echo 0x0002 >sys/bus/pci/devices/" CARD "/subsystem_device");
	ck_assert(!gaon_device_count(&count));
	ck_assert_uint_eq(count, 1);
	refused(CARD, GAON_ERROR_NO_DEVICE, "no card has this name", "lspci");
}
END_TEST

static void put_firmware(const char *name, uint16_t abi_min, uint16_t abi_max, size_t size)
{
	struct gaon_fw_header header = {
		.magic = GAON_FW_MAGIC, .header_version = GAON_FW_HEADER_VERSION,
		.header_size = sizeof(header), .payload_size = 16, .chip = GAON_FW_CHIP_GA1,
		.version = 3 << 24 | 2 << 16 | 1, .abi_min = abi_min, .abi_max = abi_max,
	};
	char path[256], payload[16] = { 0 };
	FILE *file;

	shell("mkdir -p lib/firmware/gaon");
	snprintf(path, sizeof(path), "%s/lib/firmware/gaon/%s", root, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(&header, 1, size < sizeof(header) ? size : sizeof(header), file),
			  size < sizeof(header) ? size : sizeof(header));
	if (size > sizeof(header))
		ck_assert_uint_eq(fwrite(payload, 1, sizeof(payload), file), sizeof(payload));
	fclose(file);
}

START_TEST(firmware_missing)
{
	unbind();
	refused(CARD, GAON_ERROR_FIRMWARE, "is missing: neither gaon/ga1-abi1.bin nor gaon/ga1.bin",
		"make modules_install");
}
END_TEST

START_TEST(firmware_of_another_abi)
{
	unbind();
	put_firmware("ga1.bin", 7, 9, 1000);
	refused(CARD, GAON_ERROR_FIRMWARE, "version 3.2.1, speaks admin ABI 7 to 9, this release 1 to 1",
		"drivers/gaon/bind");
	/* The kernel takes the other name first. */
	put_firmware("ga1-abi1.bin", 1, 1, 1000);
	refused(CARD, GAON_ERROR_NO_DEVICE, "refused it", "dmesg");
}
END_TEST

START_TEST(firmware_damaged)
{
	unbind();
	put_firmware("ga1.bin", 1, 1, 100);
	refused(CARD, GAON_ERROR_FIRMWARE, "truncated", "make modules_install");
	shell("echo '#!/bin/sh                                                                       "
	      "                                                                                      "
	      "                                                                                      "
	      "                                     ' >lib/firmware/gaon/ga1.bin");
	refused(CARD, GAON_ERROR_FIRMWARE, "no firmware image", "make modules_install");
	/* What is packed is left to the kernel. */
	shell("mv lib/firmware/gaon/ga1.bin lib/firmware/gaon/ga1.bin.zst");
	refused(CARD, GAON_ERROR_NO_DEVICE, "refused it, or was unbound", "drivers/gaon/bind");
}
END_TEST

/* firmware_class.path= goes before all others. */
START_TEST(firmware_in_a_directory_of_its_own)
{
	unbind();
	put_firmware("ga1.bin", 1, 1, 1000);
	refused(CARD, GAON_ERROR_NO_DEVICE, "refused it", "dmesg");
	shell("mkdir -p sys/module/firmware_class/parameters srv/gaon");
	shell("echo /srv >sys/module/firmware_class/parameters/path");
	refused(CARD, GAON_ERROR_NO_DEVICE, "refused it", "dmesg");
	shell("head -c 100 lib/firmware/gaon/ga1.bin >srv/gaon/ga1.bin");
	refused(CARD, GAON_ERROR_FIRMWARE, "/srv/gaon/ga1.bin was refused: ", "make modules_install");
}
END_TEST

START_TEST(held_by_another_driver)
{
	unbind();
	shell("mkdir -p sys/bus/pci/drivers/vfio-pci; ln -s ../../drivers/vfio-pci "
	      "sys/bus/pci/devices/" CARD "/driver");
	refused(CARD, GAON_ERROR_BUSY, "belongs to the driver vfio-pci", "drivers/vfio-pci/unbind");
}
END_TEST

START_TEST(bound_without_a_node)
{
	remove_node();
	refused(CARD, GAON_ERROR_NO_DEVICE, "made no /dev/accel node", "CONFIG_DRM_ACCEL");
}
END_TEST

/* --- the node -------------------------------------------------------------------------------- */

START_TEST(node_missing)
{
	shell("rm dev/accel/accel0");
	refused("accel0", GAON_ERROR_NO_DEVICE, "there is no node /dev/accel/accel0",
		"--device /dev/accel/accel0");
}
END_TEST

START_TEST(no_permission)
{
	atomic_store(&drm_kernel.open_errno, EACCES);
	shell("chmod 660 dev/accel/accel0; chgrp daemon dev/accel/accel0");
	refused("accel0", GAON_ERROR_PERMISSION, "belongs to group daemon with mode 660",
		"usermod -aG daemon");
	ck_assert_int_eq(gaon_last_error()->sys_errno, EACCES);
	shell("chmod 600 dev/accel/accel0");
	refused("accel0", GAON_ERROR_PERMISSION, "mode 600", "chmod 660 /dev/accel/accel0");
	shell("chgrp 54321 dev/accel/accel0; chmod 660 dev/accel/accel0");
	refused("accel0", GAON_ERROR_PERMISSION, "group 54321", "usermod -aG 54321");
}
END_TEST

START_TEST(open_fails_otherwise)
{
	atomic_store(&drm_kernel.open_errno, ENODEV);
	refused("accel0", GAON_ERROR_DEVICE_LOST, "being removed", "gaon list");
	atomic_store(&drm_kernel.open_errno, EMFILE);
	refused("accel0", GAON_ERROR_LIMIT, "Too many open files", "ulimit -n");
	atomic_store(&drm_kernel.open_errno, EINVAL);
	refused("accel0", GAON_ERROR_NO_DEVICE, "Invalid argument", "dmesg");
}
END_TEST

START_TEST(versions)
{
	atomic_store(&drm_kernel.version_major, 2);
	refused("accel0", GAON_ERROR_UNSUPPORTED, "the driver's interface is 2.", "modprobe -r gaon");
	atomic_store(&drm_kernel.version_major, 0);
	atomic_store(&drm_kernel.version_minor, 9);
	refused("accel0", GAON_ERROR_UNSUPPORTED, "is 0.9, libgaon", "of one release");
	/* A later minor version has all that this library knows. */
	atomic_store(&drm_kernel.version_major, DRM_GAON_VERSION_MAJOR);
	atomic_store(&drm_kernel.version_minor, DRM_GAON_VERSION_MINOR + 7);
	refused("accel1", GAON_ERROR_NO_DEVICE, "accel1", "accel0");
}
END_TEST

static void fail_with(unsigned long request, int err)
{
	atomic_store(&drm_kernel.fail_errno, err);
	atomic_store(&drm_kernel.fail_after, 0);
	atomic_store(&drm_kernel.fail_request, request);
}

START_TEST(state_of_the_device)
{
	fail_with(DRM_IOCTL_GAON_DEV_QUERY, EIO);
	refused("accel0", GAON_ERROR_DEVICE_LOST, "wedged", "/sys/bus/pci/devices/" CARD "/reset");
	fail_with(DRM_IOCTL_GAON_DEV_QUERY, EBUSY);
	refused("accel0", GAON_ERROR_BUSY, "reset of the device is under way", "try again");
	fail_with(DRM_IOCTL_GAON_DEV_QUERY, ENOTTY);
	refused("accel0", GAON_ERROR_NO_DEVICE, "does not answer", "dmesg");
	fail_with(DRM_IOCTL_GAON_VM_CREATE, EOPNOTSUPP);
	refused("accel0", GAON_ERROR_UNSUPPORTED, "address spaces", "of one release");
	fail_with(DRM_IOCTL_GAON_VM_CREATE, EMFILE);
	refused("accel0", GAON_ERROR_LIMIT, "at most 256 contexts", "open the device again");
	fail_with(DRM_IOCTL_GAON_VM_CREATE, EIO);
	refused("accel0", GAON_ERROR_DEVICE_LOST, "gave it up", "modprobe -r gaon");
	fail_with(DRM_IOCTL_GAON_VM_CREATE, EBUSY);
	refused("accel0", GAON_ERROR_BUSY, "under way", "try again");
}
END_TEST

START_TEST(all_contexts_taken)
{
	shell("mkdir -p proc/123/fd proc/77/fd; echo python3 >proc/123/comm; echo other >proc/77/comm; "
	      "ln -s %s/dev/accel/accel0 proc/123/fd/5; ln -s /dev/null proc/77/fd/5", root);
	fail_with(DRM_IOCTL_GAON_VM_CREATE, ENOSPC);
	refused("accel0", GAON_ERROR_LIMIT, "are in use, by processes 123 (python3)",
		"fuser -v /dev/accel/accel0");
	ck_assert_ptr_null(strstr(gaon_last_error()->text, "77"));
}
END_TEST

/* --- several --------------------------------------------------------------------------------- */

START_TEST(order_of_the_list)
{
	static const char *const names[] = { "accel0", "accel2", "accel10", "0000:00:06.0", "embedded" };
	uint32_t count = 0, i;

	for (i = 0; i < 2; i++) {
		const char *address = i ? "0000:00:07.0" : "0000:00:05.0";

		shell("cp -a sys/bus/pci/devices/" CARD " sys/bus/pci/devices/%s; "
		      "mkdir sys/class/accel/accel%d; "
		      "ln -s ../../../bus/pci/devices/%s sys/class/accel/accel%d/device; "
		      ": >dev/accel/accel%d", address, i ? 2 : 10, address, i ? 2 : 10, i ? 2 : 10);
	}
	shell("cp -a sys/bus/pci/devices/" CARD " sys/bus/pci/devices/0000:00:06.0; "
	      "rm sys/bus/pci/devices/0000:00:06.0/driver; mkdir -p sys/class/accel/accel3x");
	ck_assert(!gaon_device_count(&count));
	ck_assert_uint_eq(count, 5);
	atomic_store(&drm_kernel.open_errno, EACCES);
	for (i = 0; i < 4; i++) {
		struct gaon_device_info info = { .size = sizeof(info) };

		ck_assert(gaon_device_describe(i, &info) != GAON_OK);
		ck_assert_str_eq(gaon_last_error()->device, names[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		module_not_loaded, module_blacklisted, module_not_installed, module_in_a_container,
		no_such_card, foreign_card, firmware_missing, firmware_of_another_abi, firmware_damaged,
		firmware_in_a_directory_of_its_own,
		held_by_another_driver, bound_without_a_node, node_missing, no_permission,
		open_fails_otherwise, versions, state_of_the_device, all_contexts_taken,
		order_of_the_list,
	};
	Suite *suite = suite_create("runtime why");
	TCase *tc = tcase_create("why");
	size_t i;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
