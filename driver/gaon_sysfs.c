// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attributes of the PCI device: what can be known of a card without opening its node. */
#include <linux/device.h>
#include <linux/pci.h>
#include <linux/sysfs.h>
#include <linux/units.h>

#include "gaon_device.h"
#include "gaon_sysfs.h"
#include "gaon_ttm.h"

static struct gaon_device *dev_to_gdev(struct device *dev)
{
	return pci_get_drvdata(to_pci_dev(dev));
}

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_device *gdev = dev_to_gdev(dev);

	return sysfs_emit(buf, "%*phN\n", (int)sizeof(gdev->identify.serial),
			  gdev->identify.serial);
}
static DEVICE_ATTR_RO(serial);

static ssize_t fw_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 version = dev_to_gdev(dev)->fw.version;

	return sysfs_emit(buf, "%u.%u.%u\n", version >> 24, version >> 16 & 0xff, version & 0xffff);
}
static DEVICE_ATTR_RO(fw_version);

static ssize_t fw_abi_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", dev_to_gdev(dev)->fw.abi);
}
static DEVICE_ATTR_RO(fw_abi);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_device *gdev = dev_to_gdev(dev);
	const char *word = "off";
	int gate, idx;

	switch (gaon_device_state(gdev)) {
	case GAON_DEVICE_RUNNING:
		word = "ready";
		if (!gaon_power_try_enter(gdev, &gate))
			break;
		if (drm_dev_enter(&gdev->drm, &idx)) {
			if (gaon_read32(gdev, GAON_REG_STATE) == GAON_STATE_DEGRADED)
				word = "degraded";
			drm_dev_exit(idx);
		}
		gaon_power_try_exit(gdev, gate);
		break;
	case GAON_DEVICE_ASLEEP:
		word = "asleep";
		break;
	case GAON_DEVICE_RESETTING:
		word = "resetting";
		break;
	case GAON_DEVICE_WEDGED:
		word = "wedged";
		break;
	case GAON_DEVICE_OFF:
		break;
	}
	return sysfs_emit(buf, "%s\n", word);
}
static DEVICE_ATTR_RO(state);

static ssize_t resets_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&dev_to_gdev(dev)->resets.device));
}
static DEVICE_ATTR_RO(resets);

static ssize_t hbm_total_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", dev_to_gdev(dev)->identify.hbm_bytes);
}
static DEVICE_ATTR_RO(hbm_total);

static ssize_t hbm_used_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u64 host, hbm, visible;

	gaon_ttm_usage(dev_to_gdev(dev), &host, &hbm, &visible);
	return sysfs_emit(buf, "%llu\n", hbm);
}
static DEVICE_ATTR_RO(hbm_used);

static struct attribute *sysfs_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_fw_version.attr,
	&dev_attr_fw_abi.attr,
	&dev_attr_state.attr,
	&dev_attr_resets.attr,
	&dev_attr_hbm_total.attr,
	&dev_attr_hbm_used.attr,
	NULL
};

/* The driver core makes them when probe has succeeded and takes them away before removal. */
static const struct attribute_group sysfs_group = { .attrs = sysfs_attrs };

/* --- clock: names and units of intel_vpu's ---------------------------------------------------- */

static ssize_t hw_min_freq_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", dev_to_gdev(dev)->identify.clock_min_khz / KHZ_PER_MHZ);
}
static DEVICE_ATTR_RO(hw_min_freq);

static ssize_t hw_max_freq_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", dev_to_gdev(dev)->identify.clock_khz / KHZ_PER_MHZ);
}
static DEVICE_ATTR_RO(hw_max_freq);

static ssize_t set_max_freq_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", gaon_throttle_clock(dev_to_gdev(dev)) / KHZ_PER_MHZ);
}

static ssize_t set_max_freq_store(struct device *dev, struct device_attribute *attr,
				  const char *buf, size_t bytes)
{
	struct gaon_device *gdev = dev_to_gdev(dev);
	u32 mhz, max = gdev->identify.clock_khz;
	int err = kstrtou32(buf, 0, &mhz);

	if (err || mhz > U32_MAX / KHZ_PER_MHZ)
		return -EINVAL;
	/* The highest need not be a whole number of them. */
	err = gaon_throttle_set_clock(gdev, mhz == max / KHZ_PER_MHZ ? max : mhz * KHZ_PER_MHZ);
	return err ?: bytes;
}
static DEVICE_ATTR_RW(set_max_freq);

static struct attribute *freq_attrs[] = {
	&dev_attr_hw_min_freq.attr,
	&dev_attr_hw_max_freq.attr,
	&dev_attr_set_max_freq.attr,
	NULL
};

static umode_t freq_is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	return gaon_throttle_is_there(dev_to_gdev(kobj_to_dev(kobj))) ? attr->mode : 0;
}

static const struct attribute_group freq_group = {
	.name = "freq",
	.attrs = freq_attrs,
	.is_visible = freq_is_visible,
};

const struct attribute_group *gaon_sysfs_groups[] = {
	&sysfs_group,
	&freq_group,
	&gaon_port0_group,
	&gaon_port1_group,
	&gaon_port2_group,
	&gaon_port3_group,
	&gaon_port4_group,
	&gaon_port5_group,
	&gaon_port6_group,
	&gaon_port7_group,
	NULL
};

