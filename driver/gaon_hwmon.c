// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sensors: temperature, power, its cap, and energy for `sensors`, and the clock beside them. */
#include <linux/hwmon.h>
#include <linux/hwmon-sysfs.h>
#include <linux/units.h>

#include "gaon_device.h"
#include "gaon_hwmon.h"

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

static bool hwmon_is_reading(enum hwmon_sensor_types type, u32 attr)
{
	return type == hwmon_energy ||
	       (type == hwmon_temp && (attr == hwmon_temp_input || attr == hwmon_temp_label)) ||
	       (type == hwmon_power && (attr == hwmon_power_average || attr == hwmon_power_label));
}

static umode_t hwmon_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				int channel)
{
	const struct gaon_device *gdev = data;

	if (!hwmon_is_reading(type, attr) && !(gdev->fw.features & GAON_FEATURE_POWER))
		return 0;
	return type == hwmon_power && attr == hwmon_power_cap ? 0644 : 0444;
}

/* What is known without asking the card; false: it is a reading. */
static bool hwmon_constant(struct gaon_device *gdev, enum hwmon_sensor_types type, u32 attr,
			   long *val)
{
	const struct gaon_identify *id = &gdev->identify;

	if (type == hwmon_power && attr == hwmon_power_cap)
		*val = (long)gaon_throttle_cap(gdev) * MICROWATT_PER_MILLIWATT;
	else if (type == hwmon_power && attr == hwmon_power_cap_min)
		*val = (long)id->power_min_mw * MICROWATT_PER_MILLIWATT;
	else if (type == hwmon_power && attr == hwmon_power_cap_max)
		*val = (long)id->power_max_mw * MICROWATT_PER_MILLIWATT;
	else if (type == hwmon_temp && attr == hwmon_temp_max)
		*val = id->temp_max_mc;
	else if (type == hwmon_temp && attr == hwmon_temp_max_hyst)
		*val = id->temp_max_hyst_mc;
	else if (type == hwmon_temp && attr == hwmon_temp_crit)
		*val = id->temp_crit_mc;
	else if (type == hwmon_temp && attr == hwmon_temp_emergency)
		*val = id->temp_emergency_mc;
	else
		return false;
	return true;
}

static const struct {
	enum hwmon_sensor_types type;
	u32 attr, reasons;
} hwmon_alarms[] = {
	{ hwmon_temp, hwmon_temp_max_alarm, GAON_THROTTLE_HEAT | GAON_THROTTLE_CRITICAL },
	{ hwmon_temp, hwmon_temp_crit_alarm, GAON_THROTTLE_CRITICAL },
	{ hwmon_power, hwmon_power_cap_alarm, GAON_THROTTLE_POWER },
};

/* Whether the card is slowed down for what an alarm is for. @i: of hwmon_alarms */
static bool hwmon_alarm_is_on(unsigned int i, u32 reasons)
{
	return reasons & hwmon_alarms[i].reasons;
}

static bool hwmon_alarm_read(enum hwmon_sensor_types type, u32 attr, u32 reasons, long *val)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hwmon_alarms); i++) {
		if (hwmon_alarms[i].type == type && hwmon_alarms[i].attr == attr) {
			*val = hwmon_alarm_is_on(i, reasons);
			return true;
		}
	}
	return false;
}

static int hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
		      long *val)
{
	struct gaon_device *gdev = dev_get_drvdata(dev);
	struct gaon_telemetry now;
	int err;

	if (hwmon_constant(gdev, type, attr, val))
		return 0;
	err = hwmon_telemetry(gdev, &now);
	if (err)
		return err;
	if (hwmon_alarm_read(type, attr, now.throttle, val))
		return 0;
	switch (type) {
	case hwmon_temp:
		*val = now.temp_mc;
		return 0;
	case hwmon_power:
		*val = (long)now.power_mw * MICROWATT_PER_MILLIWATT;
		return 0;
	case hwmon_energy:
		*val = now.energy_uj;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int hwmon_write(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
		       long val)
{
	if (type != hwmon_power || attr != hwmon_power_cap)
		return -EOPNOTSUPP;
	if (val < 0 || val / MICROWATT_PER_MILLIWATT > U32_MAX)
		return -EINVAL;
	return gaon_throttle_set_cap(dev_get_drvdata(dev), val / MICROWATT_PER_MILLIWATT);
}

static int hwmon_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr,
			     int channel, const char **str)
{
	/* Different ones: lm-sensors names features by them. */
	*str = type == hwmon_temp ? "chip" : type == hwmon_power ? "power" : "energy";
	return 0;
}

static const struct hwmon_channel_info *const hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL | HWMON_T_MAX | HWMON_T_MAX_HYST |
			   HWMON_T_CRIT | HWMON_T_EMERGENCY | HWMON_T_MAX_ALARM |
			   HWMON_T_CRIT_ALARM),
	HWMON_CHANNEL_INFO(power, HWMON_P_AVERAGE | HWMON_P_LABEL | HWMON_P_CAP | HWMON_P_CAP_MIN |
			   HWMON_P_CAP_MAX | HWMON_P_CAP_ALARM),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
	NULL
};

static const struct hwmon_ops hwmon_ops = {
	.is_visible = hwmon_is_visible,
	.read = hwmon_read,
	.write = hwmon_write,
	.read_string = hwmon_read_string,
};

static const struct hwmon_chip_info hwmon_info = {
	.ops = &hwmon_ops,
	.info = hwmon_channels,
};

/* hwmon has no class for clocks, and no default of a cap; these names are what amdgpu gave them. */
static ssize_t freq1_input_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_telemetry now;
	int err = hwmon_telemetry(dev_get_drvdata(dev), &now);

	return err ?: sysfs_emit(buf, "%llu\n", (u64)now.clock_khz * HZ_PER_KHZ);
}
static DEVICE_ATTR_RO(freq1_input);

static ssize_t freq1_label_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "cores\n");
}
static DEVICE_ATTR_RO(freq1_label);

static ssize_t power1_cap_default_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_device *gdev = dev_get_drvdata(dev);
	u64 mw = gdev->identify.power_default_mw;

	return sysfs_emit(buf, "%llu\n", mw * MICROWATT_PER_MILLIWATT);
}
static DEVICE_ATTR_RO(power1_cap_default);

static umode_t hwmon_attr_is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	struct gaon_device *gdev = dev_get_drvdata(kobj_to_dev(kobj));

	if (attr == &dev_attr_power1_cap_default.attr && !gaon_throttle_is_there(gdev))
		return 0;
	return attr->mode;
}

static struct attribute *hwmon_attrs[] = {
	&dev_attr_power1_cap_default.attr,
	&dev_attr_freq1_input.attr,
	&dev_attr_freq1_label.attr,
	NULL
};

static const struct attribute_group hwmon_group = {
	.attrs = hwmon_attrs,
	.is_visible = hwmon_attr_is_visible,
};

static const struct attribute_group *hwmon_groups[] = { &hwmon_group, NULL };

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
	else
		WRITE_ONCE(gdev->hwmon, hwmon);
}

/**
 * gaon_hwmon_alarm() - alarms have begun or ended, perhaps
 * @gdev: the device; its sensors may not be there
 * @before: of &enum drm_gaon_throttle, what the firmware slowed the cores down for before
 * @now: what it does so for now
 *
 * Sleeps. Who polls the alarms' files wakes, and udev gets an event of the sensors' device. To end
 * before the driver has left the card.
 */
void gaon_hwmon_alarm(struct gaon_device *gdev, u32 before, u32 now)
{
	struct device *hwmon = READ_ONCE(gdev->hwmon);
	unsigned int i;

	if (!IS_REACHABLE(CONFIG_HWMON) || !hwmon)
		return;
	for (i = 0; i < ARRAY_SIZE(hwmon_alarms); i++)
		if (hwmon_alarm_is_on(i, before) != hwmon_alarm_is_on(i, now))
			hwmon_notify_event(hwmon, hwmon_alarms[i].type, hwmon_alarms[i].attr, 0);
}
