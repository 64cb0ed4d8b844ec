// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Ports of links to other cards, in sysfs: who is at the other end of each cable, and whether both
 * ends hear each other. A directory for each port that the card has.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include <hw/gaon_port.h>

#include "gaon_device.h"
#include "gaon_sysfs.h"

#define PORT_FRESH	(HZ / 10)	/* what is read within it belongs together */

/** struct gaon_port_list - what was told of ports last */
struct gaon_port_list {
	/** @lock: protects the rest. Outside the admin queue's lock. */
	struct mutex lock;
	/** @at: when, in jiffies. */
	u64 at;
	/** @ports: what. Firmware's word. */
	struct gaon_ports ports;
};

static unsigned int port_count(struct gaon_device *gdev)
{
	if (!(gdev->fw.features & GAON_FEATURE_PORTS))
		return 0;
	return min(gdev->identify.links, GAON_PORTS_MAX);
}

/* Of a card that is awake, and stays so. */
static int port_ask(struct gaon_device *gdev, struct gaon_port_list *list)
{
	int err, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	err = gaon_device_read_ports(gdev, &list->ports);
	drm_dev_exit(idx);
	return err;
}

/*
 * Wakes a card that sleeps: its neighbours may be others than they were. Who looks at one that is
 * awake, again and again, does not keep it so.
 */
static int port_update(struct gaon_device *gdev, struct gaon_port_list *list)
{
	int err, gate;

	lockdep_assert_held(&list->lock);
	if (list->at && time_before64(get_jiffies_64(), list->at + PORT_FRESH))
		return 0;
	if (gaon_power_try_enter(gdev, &gate)) {
		err = port_ask(gdev, list);
		gaon_power_try_exit(gdev, gate);
	} else {
		err = gaon_power_get(gdev);
		if (err)
			return err;
		err = port_ask(gdev, list);
		gaon_power_put(gdev);
	}
	list->at = err ? 0 : get_jiffies_64();
	return err;
}

/* Whose file it is; below the files. */
static unsigned int port_number(const struct device_attribute *attr);

static int port_read(struct device *dev, struct device_attribute *attr, struct gaon_port *port)
{
	struct gaon_device *gdev = pci_get_drvdata(to_pci_dev(dev));
	struct gaon_port_list *list = gdev->ports;
	int err;

	guard(mutex)(&list->lock);
	err = port_update(gdev, list);
	if (!err)
		*port = list->ports.port[port_number(attr)];
	return err;
}

/* --- files ------------------------------------------------------------------------------------ */

static const char *const port_states[GAON_PORT_STATES] = {
	[GAON_PORT_DOWN] = "down",
	[GAON_PORT_TRAINING] = "training",
	[GAON_PORT_UP] = "up",
	[GAON_PORT_MISMATCH] = "mismatch",
};

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct gaon_port port;
	int err = port_read(dev, attr, &port);

	if (err)
		return err;
	return sysfs_emit(buf, "%s\n",
			  port.state < GAON_PORT_STATES ? port_states[port.state] : "unknown");
}

static ssize_t port_show_peer(struct device *dev, struct device_attribute *attr, char *buf,
			      bool serial)
{
	struct gaon_port port;
	int err = port_read(dev, attr, &port);

	if (err)
		return err;
	if (port.peer_port == GAON_PORT_NONE)
		return sysfs_emit(buf, "none\n");
	if (serial)
		return sysfs_emit(buf, "%*phN\n", (int)sizeof(port.peer_serial), port.peer_serial);
	return sysfs_emit(buf, "%u\n", port.peer_port);
}

static ssize_t peer_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return port_show_peer(dev, attr, buf, true);
}

static ssize_t peer_port_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return port_show_peer(dev, attr, buf, false);
}

#define PORT_NUMBER(_file, _field)						\
static ssize_t _file##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{										\
	struct gaon_port port;							\
	int err = port_read(dev, attr, &port);					\
										\
	return err ?: sysfs_emit(buf, "%llu\n", (u64)port._field);		\
}

PORT_NUMBER(lanes, lanes)
PORT_NUMBER(speed_mbps, mbps)
PORT_NUMBER(ups, ups)
PORT_NUMBER(frames, frames)
PORT_NUMBER(bad_frames, bad)

static umode_t port_is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	struct gaon_device *gdev = pci_get_drvdata(to_pci_dev(kobj_to_dev(kobj)));
	unsigned int number = port_number(container_of(attr, struct device_attribute, attr));

	return number < port_count(gdev) ? attr->mode : SYSFS_GROUP_INVISIBLE;
}

#define PORT_FILES								\
	{									\
		__ATTR_RO(state), __ATTR_RO(peer), __ATTR_RO(peer_port), __ATTR_RO(lanes), \
		__ATTR_RO(speed_mbps), __ATTR_RO(ups), __ATTR_RO(frames), __ATTR_RO(bad_frames), \
	}

#define PORT_GROUP(_port)							\
static struct device_attribute port##_port##_files[] = PORT_FILES;		\
static struct attribute *port##_port##_attrs[] = {				\
	&port##_port##_files[0].attr, &port##_port##_files[1].attr,		\
	&port##_port##_files[2].attr, &port##_port##_files[3].attr,		\
	&port##_port##_files[4].attr, &port##_port##_files[5].attr,		\
	&port##_port##_files[6].attr, &port##_port##_files[7].attr,		\
	NULL									\
};										\
static_assert(ARRAY_SIZE(port##_port##_attrs) == ARRAY_SIZE(port##_port##_files) + 1); \
const struct attribute_group gaon_port##_port##_group = {			\
	.name = "port" #_port, .attrs = port##_port##_attrs, .is_visible = port_is_visible, \
}

PORT_GROUP(0);
PORT_GROUP(1);
PORT_GROUP(2);
PORT_GROUP(3);
PORT_GROUP(4);
PORT_GROUP(5);
PORT_GROUP(6);
PORT_GROUP(7);

static unsigned int port_number(const struct device_attribute *attr)
{
	static const struct device_attribute *const files[GAON_PORTS_MAX] = {
		port0_files, port1_files, port2_files, port3_files,
		port4_files, port5_files, port6_files, port7_files,
	};
	unsigned int number = 0;

	while (attr < files[number] || attr >= files[number] + ARRAY_SIZE(port0_files))
		number++;
	return number;
}

/** gaon_ports_init() - before anybody can look. Return: 0 or -ENOMEM */
int gaon_ports_init(struct gaon_device *gdev)
{
	gdev->ports = drmm_kzalloc(&gdev->drm, sizeof(*gdev->ports), GFP_KERNEL);
	if (!gdev->ports)
		return -ENOMEM;
	return drmm_mutex_init(&gdev->drm, &gdev->ports->lock);
}
