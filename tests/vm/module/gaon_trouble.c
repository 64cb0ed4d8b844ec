// SPDX-License-Identifier: GPL-2.0
/*
 * Does, on purpose, what a kernel must not do, so that the harness can be seen to notice:
 *	echo warning > /sys/kernel/debug/gaon_trouble
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static DEFINE_MUTEX(first_lock);
static DEFINE_MUTEX(second_lock);
static DEFINE_SPINLOCK(spin);
static struct dentry *file;

static void trouble_warning(void)
{
	WARN(1, "gaon_trouble: a warning that was asked for\n");
}

static void trouble_bug(void)
{
	BUG();
}

static void trouble_oops(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	*nowhere = 1;
}

/* One processor stands still with interrupts off, holding a lock that the other one will want. */
static void trouble_lockup(void)
{
	spin_lock_irq(&spin);
	for (;;)
		cpu_relax();
}

static void trouble_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void trouble_lockdep(void)
{
	mutex_lock(&first_lock);
	mutex_lock(&second_lock);
	mutex_unlock(&second_lock);
	mutex_unlock(&first_lock);
	mutex_lock(&second_lock);
	mutex_lock(&first_lock);
	mutex_unlock(&first_lock);
	mutex_unlock(&second_lock);
}

static void trouble_kasan(void)
{
	char *bytes = kmalloc(32, GFP_KERNEL);
	char *gone = bytes;

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(gone);
	kfree(bytes);
	WRITE_ONCE(gone[8], 1);
}

static void trouble_leak(void)
{
	for (int i = 0; i < 64; i++) {
		void *lost = kzalloc(48, GFP_KERNEL); /* old contents may be pointers */

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static const struct {
	const char *name;
	void (*make)(void);
} troubles[] = {
	{ "warning", trouble_warning },
	{ "bug", trouble_bug },
	{ "oops", trouble_oops },
	{ "lockup", trouble_lockup },
	{ "atomic", trouble_atomic },
	{ "lockdep", trouble_lockdep },
	{ "kasan", trouble_kasan },
	{ "leak", trouble_leak },
};

static ssize_t trouble_write(struct file *filp, const char __user *text, size_t size, loff_t *pos)
{
	char name[16] = {};

	if (size >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, text, size))
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (strcmp(troubles[i].name, strim(name)))
			continue;
		troubles[i].make();
		return size;
	}
	return -EINVAL;
}

static const struct file_operations trouble_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = trouble_write,
};

static int __init trouble_init(void)
{
	file = debugfs_create_file("gaon_trouble", 0200, NULL, NULL, &trouble_fops);
	return PTR_ERR_OR_ZERO(file);
}
module_init(trouble_init);

static void __exit trouble_exit(void)
{
	debugfs_remove(file);
}
module_exit(trouble_exit);

MODULE_DESCRIPTION("Deliberate mistakes, for the test of a test harness");
MODULE_LICENSE("GPL");
