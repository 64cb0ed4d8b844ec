// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sensors: temperature, power and energy for `sensors`, and the clock beside them. */
#include <linux/hwmon.h>
#include <linux/hwmon-sysfs.h>

#include "gaon_device.h"
#include "gaon_hwmon.h"

#define UW_PER_MW	1000
#define HZ_PER_KHZ_	1000

/* Asks the firmware: a reading costs a command. Power is the mean since the reading before. */
static int hwmon_telemetry(struct gaon_device *gdev, struct gaon_telemetry *out)
{
	int err = -ENODEV, gate, idx;

	if (!gaon_power_try_enter(gdev, &gate))
		return -ENODATA;
	if (drm_dev_enter(&gdev->drm, &idx)) {
		err = gaon_device_read_telemetry(gdev, out);
		drm_dev_exit(idx);
	}
	gaon_power_try_exit(gdev, gate);
	/* hwmon's word for "ask again later". */
	return err == -EBUSY ? -ENODATA : err;
}

static umode_t hwmon_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				int channel)
{
	return 0444;
}

static int hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
		      long *val)
{
	struct gaon_telemetry now;
	int err = hwmon_telemetry(dev_get_drvdata(dev), &now);

	if (err)
		return err;
	switch (type) {
	case hwmon_temp:
		*val = now.temp_mc;
		return 0;
	case hwmon_power:
		*val = (long)now.power_mw * UW_PER_MW;
		return 0;
	case hwmon_energy:
		*val = now.energy_uj;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int hwmon_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr,
			     int channel, const char **str)
{
	/* Different ones: lm-sensors names features by them. */
	*str = type == hwmon_temp ? "chip" : type == hwmon_power ? "power" : "energy";
	return 0;
}

static const struct hwmon_channel_info *const hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL),
	HWMON_CHANNEL_INFO(power, HWMON_P_AVERAGE | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
	NULL
};

static const struct hwmon_ops hwmon_ops = {
	.is_visible = hwmon_is_visible,
	.read = hwmon_read,
	.read_string = hwmon_read_string,
};

static const struct hwmon_chip_info hwmon_info = {
	.ops = &hwmon_ops,
	.info = hwmon_channels,
};

/* hwmon has no class for clocks; these names are what amdgpu gave them. */
static ssize_t freq1_input_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_telemetry now;
	int err = hwmon_telemetry(dev_get_drvdata(dev), &now);

	return err ?: sysfs_emit(buf, "%llu\n", (u64)now.clock_khz * HZ_PER_KHZ_);
}
static DEVICE_ATTR_RO(freq1_input);

static ssize_t freq1_label_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "cores\n");
}
static DEVICE_ATTR_RO(freq1_label);

static struct attribute *hwmon_attrs[] = {
	&dev_attr_freq1_input.attr,
	&dev_attr_freq1_label.attr,
	NULL
};
ATTRIBUTE_GROUPS(hwmon);

/**
 * gaon_hwmon_init() - offer the sensors
 * @gdev: the device, running
 *
 * They go with the driver. A card without them works: failing is only told.
 */
void gaon_hwmon_init(struct gaon_device *gdev)
{
	struct device *hwmon;

	if (!IS_REACHABLE(CONFIG_HWMON))
		return;
	hwmon = devm_hwmon_device_register_with_info(gdev->drm.dev, "gaon", gdev, &hwmon_info,
						     hwmon_groups);
	if (IS_ERR(hwmon))
		drm_warn(&gdev->drm, "no sensors (error %ld)\n", PTR_ERR(hwmon));
}
