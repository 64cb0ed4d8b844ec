/* SPDX-License-Identifier: MIT */
/*
 * Cards as the kernel's files tell of them, without opening a node: what every tool knows of a card that is
 * asleep, in other hands, broken, or recorded on another machine.
 */
#ifndef GAON_TOOLS_CARD_H
#define GAON_TOOLS_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_DRIVER	"gaon"

/* Readings of hwmon. Each is there or not: @known has bit CARD_SENSOR_* of those that are. */
enum card_sensor {
	CARD_TEMP_MC,		/* thousandths of a degree Celsius */
	CARD_TEMP_MAX_MC,	/* from which the card slows down */
	CARD_TEMP_CRIT_MC,	/* at which it is as slow as can be */
	CARD_TEMP_EMERGENCY_MC,	/* at which it stops */
	CARD_TEMP_MAX_ALARM,	/* 1: slowed down by heat */
	CARD_TEMP_CRIT_ALARM,
	CARD_POWER_UW,		/* mean since the last reading */
	CARD_POWER_CAP_UW,
	CARD_POWER_CAP_MIN_UW,
	CARD_POWER_CAP_MAX_UW,
	CARD_POWER_CAP_DEFAULT_UW,
	CARD_POWER_CAP_ALARM,	/* 1: slowed down by the cap */
	CARD_ENERGY_UJ,
	CARD_CLOCK_HZ,
	CARD_CLOCK_LIMIT_MHZ,	/* what an administrator allows */
	CARD_CLOCK_MIN_MHZ,	/* what the card can do */
	CARD_CLOCK_MAX_MHZ,
	CARD_SENSORS,
};

struct card_sensors {
	uint32_t known;
	int64_t value[CARD_SENSORS];
};

struct card_link {
	uint32_t mtps, width;		/* 10^6 transfers per second, lanes; 0: not known */
};

struct card {
	char name[32];			/* "accel0"; the address if it has no node */
	char address[32];		/* on PCI */
	char node[64];			/* "/dev/accel/accel0", "" without */
	char driver[32], driver_version[64];
	char state[16];			/* as the driver tells: "ready"; "" if nobody tells */
	char power[16];			/* runtime_status: "active", "suspended", "" */
	char serial[33], firmware[32];
	int64_t fw_abi, resets, hbm_total, hbm_used;	/* -1: not known */
	int64_t numa_node, iommu_group;	/* -1: none, or not known */
	struct card_link link, link_max;
	struct card_sensors sensors;
};

struct card_list {
	struct card *cards;
	size_t count;
};

/*
 * All of them: nodes of the driver in the order of their numbers, then functions without a node by address.
 * False without memory. @sensors: read hwmon, which asks the firmware. card_list_free() frees.
 */
bool card_list_read(struct card_list *list, bool sensors);
void card_list_free(struct card_list *list);
/* By name, node, PCI address (also without domain) or serial number; NULL if none is. */
struct card *card_list_find(const struct card_list *list, const char *name);
/* The same, else a line on standard error that lists those that are there. */
struct card *card_list_need(const struct card_list *list, const char *name);

/* Link of any function by its address, "current" or "max"; zeros for what is not known. */
struct card_link card_link_read(const char *address, const char *which);

/* "hwmon3": the name of its hwmon's directory, whose number is the kernel's. */
bool card_hwmon(const struct card *card, char *out, size_t size);
void card_sensors_read(struct card *card);
static inline bool card_sensor_known(const struct card *card, enum card_sensor sensor)
{
	return card->sensors.known >> sensor & 1;
}

/* Why it is slowed down, NULL behind the last: "power", "heat", "critical", "limit". False if it is not known. */
#define CARD_THROTTLES	5
bool card_throttles(const struct card *card, const char *names[CARD_THROTTLES]);

/* Errors that memories and links had, from debugfs: root only. False if they cannot be read. */
struct card_errors {
	uint64_t corrected, uncorrected, retired_pages;
};
bool card_errors_read(const struct card *card, struct card_errors *out);

#endif
