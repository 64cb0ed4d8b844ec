// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Errors by hand, for tests of what is done about them: debugfs `inject`. Only if the module was
 * loaded with inject=1, which taints the kernel, and only of a card whose debug fuse is blown.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_ras.h"

static bool inject;
module_param_unsafe(inject, bool, 0400);
MODULE_PARM_DESC(inject, "errors can be injected in debugfs, for tests (default: off)");

static bool inject_is_firmware(const struct gaon_admin_inject *what)
{
	return what->kind == GAON_INJECT_FW_HANG || what->kind == GAON_INJECT_FW_CRASH;
}

/* KIND TARGET NUMBER: that is all. */
static int parse_error(const char *text, struct gaon_admin_inject *what)
{
	static const char *const kinds[] = { [GAON_INJECT_CE] = "ce", [GAON_INJECT_UE] = "ue" };
	static const char *const targets[] = {
		[GAON_INJECT_HBM] = "hbm",
		[GAON_INJECT_SPM] = "scratchpad",
		[GAON_INJECT_LINK] = "link",
	};
	char kind[4], target[16], number[24], rest;
	int index;

	if (sscanf(text, "%3s %15s %23s %c", kind, target, number, &rest) != 3)
		return -EINVAL;
	what->kind = !strcmp(kind, kinds[GAON_INJECT_CE]) ? GAON_INJECT_CE : GAON_INJECT_UE;
	if (strcmp(kind, kinds[what->kind]))
		return -EINVAL;
	index = match_string(targets, ARRAY_SIZE(targets), target);
	if (index < 0)
		return -EINVAL;
	what->target = index;
	return kstrtou64(number, 0, &what->address);
}

static int parse_ambient(const char *text, struct gaon_admin_inject *what)
{
	what->kind = GAON_INJECT_AMBIENT;
	return kstrtou64(text, 0, &what->address);
}

/* What is written, as a command. */
static int inject_parse(const char *text, struct gaon_admin_inject *what)
{
	if (sysfs_streq(text, "hang"))
		what->kind = GAON_INJECT_FW_HANG;
	else if (sysfs_streq(text, "crash"))
		what->kind = GAON_INJECT_FW_CRASH;
	else if (str_has_prefix(text, "ambient "))
		return parse_ambient(text + strlen("ambient "), what);
	else
		return parse_error(text, what);
	return 0;
}

/* If that takes a reset, when it is over. */
static int inject_run(struct gaon_device *gdev, const char *text)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_INJECT } };
	int err = inject_parse(text, &req.cmd.inject), idx;

	if (!err && !(gdev->fw.features & GAON_FEATURE_INJECT))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	err = gaon_device_check(gdev);
	if (err) {
		drm_dev_exit(idx);
		return err;
	}
	err = gaon_admin_exec(gdev, &req, 0);
	drm_dev_exit(idx);
	/* There is no answer to these: they must end in a reset. */
	return inject_is_firmware(&req.cmd.inject) ? gaon_device_wait_running(gdev) : err;
}

static ssize_t inject_write(struct file *file, const char __user *text, size_t bytes, loff_t *at)
{
	struct gaon_device *gdev = file_inode(file)->i_private;
	char line[64] = "";
	int err;

	if (bytes >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, text, bytes))
		return -EFAULT;
	err = gaon_power_get(gdev);
	if (err)
		return err;
	err = inject_run(gdev, line);
	gaon_power_put(gdev);
	return err ?: bytes;
}

static const struct file_operations inject_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = inject_write,
	.llseek = noop_llseek,
};

/** gaon_inject_init() - debugfs, if the module was told; before the device is registered */
void gaon_inject_init(struct gaon_device *gdev)
{
	if (inject)
		debugfs_create_file("inject", 0200, gdev->drm.debugfs_root, gdev, &inject_fops);
}
