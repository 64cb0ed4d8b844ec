/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_DEVICE_H_
#define _GAON_DEVICE_H_

#include <linux/atomic.h>
#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/stringify.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_regs.h>
#include <uapi/drm/gaon_accel.h>

#include "gaon_compat.h"
#include "gaon_power.h"
#include "gaon_room.h"
#include "gaon_throttle.h"

/* For people; programs look at the interface's version. */
#define GAON_DRIVER_VERSION						\
	__stringify(DRM_GAON_VERSION_MAJOR) "." __stringify(DRM_GAON_VERSION_MINOR)

struct gaon_admin;
struct gaon_client;
struct gaon_coredump;
struct gaon_events;
struct gaon_fwlog;
struct gaon_hbm;
struct gaon_migrate;
struct gaon_port_list;
struct gaon_ports;
struct gaon_queues;
struct gaon_ras;
struct gaon_shrink;
struct gaon_tlbi;
struct pci_dev;
struct pci_saved_state;
struct ttm_device;

/** enum gaon_device_state - what the driver may expect of the device */
enum gaon_device_state {
	/** @GAON_DEVICE_OFF: not started yet, or stopped for good. */
	GAON_DEVICE_OFF,
	/** @GAON_DEVICE_RUNNING: firmware answers. */
	GAON_DEVICE_RUNNING,
	/** @GAON_DEVICE_RESETTING: a reset is due or under way; nothing new is sent. */
	GAON_DEVICE_RESETTING,
	/** @GAON_DEVICE_ASLEEP: as the machine, or soon; everybody waits. */
	GAON_DEVICE_ASLEEP,
	/** @GAON_DEVICE_WEDGED: a reset did not bring it back, or it needed too many. */
	GAON_DEVICE_WEDGED,
};

/* So many resets may become necessary within that time; the next one wedges the device. */
#define GAON_RESET_BURST	4
#define GAON_RESET_PERIOD_S	600

/** enum gaon_rung - what can be reset, from the least to the most that is lost with it */
enum gaon_rung {
	/** @GAON_RUNG_QUEUE: a queue. */
	GAON_RUNG_QUEUE,
	/** @GAON_RUNG_CONTEXT: all queues of a context. */
	GAON_RUNG_CONTEXT,
	/** @GAON_RUNG_ENGINES: all work in flight. */
	GAON_RUNG_ENGINES,
	/** @GAON_RUNG_FIRMWARE: all but HBM, contexts and queues without work. */
	GAON_RUNG_FIRMWARE,
	/** @GAON_RUNG_CHIP: the device, by its own register. */
	GAON_RUNG_CHIP,
	/** @GAON_RUNG_FUNCTION: the device, by the PCI function. */
	GAON_RUNG_FUNCTION,
	/** @GAON_RUNG_LINK: the device, by the port above it. */
	GAON_RUNG_LINK,
	/** @GAON_RUNGS: their number. */
	GAON_RUNGS
};

/** struct gaon_recovery - how often a rung has helped, and how long that took */
struct gaon_recovery {
	/** @count: recoveries. */
	u32 count;
	/** @last_us: time of the last one. */
	u64 last_us;
	/** @longest_us: of the longest. */
	u64 longest_us;
};

/** struct gaon_resets - what was reset, and why */
struct gaon_resets {
	/** @guilty: queues that were at fault. */
	atomic_t guilty;
	/** @lost: queues that were not, and were told that their work is lost. */
	atomic_t lost;
	/** @kept: queues that a reset of a context or the engines might have hit and did not. */
	atomic_t kept;
	/** @lock: protects @recovery. Innermost. */
	spinlock_t lock;
	/** @recovery: by rung. */
	struct gaon_recovery recovery[GAON_RUNGS];
	/** @began: when the last reset of the device did; written with its state. */
	ktime_t began;
	/** @rung: that helps the device. Like @failures. */
	enum gaon_rung rung;
	/** @queues: of a queue, because of a fault or for taking too long. */
	atomic_t queues;
	/** @contexts: of a context, since a queue of it could not be reset, or did not stop. */
	atomic_t contexts;
	/** @engines: of all engines. */
	atomic_t engines;
	/** @copies: packets of the driver's own that were lost with the engines, and sent again. */
	atomic_t copies;
	/** @firmware: restarts, begun; see gaon_restart.c. */
	atomic_t firmware;
	/** @device: of the whole device. */
	atomic_t device;
	/** @why: the last one of the device, or the one that is due; written with its state. */
	const char *why;
	/** @asked: an administrator wants that one. */
	bool asked;
	/** @restart: to start the firmware anew may do. */
	bool restart;
	/**
	 * @frozen: for an error of the link: its reset is waited for. Protected by the lock of the
	 * PCI device.
	 */
	bool frozen;
	/**
	 * @failures: of the device, since the last that was asked for. Like the rest only used by
	 * who has set the state to RESETTING.
	 */
	unsigned int failures;
	/** @restarted: when the firmware was last, in jiffies; 0: it is forgiven. */
	u64 restarted;
	/** @failed_at: the last ones, in jiffies; number n in entry n modulo their number. */
	u64 failed_at[GAON_RESET_BURST];
};

/** struct gaon_fw_info - the firmware that runs */
struct gaon_fw_info {
	/** @version: as FW_VERSION reads. */
	u32 version;
	/** @abi_min: lowest admin ABI that it speaks. */
	u16 abi_min;
	/** @abi_max: highest admin ABI that it speaks. */
	u16 abi_max;
	/** @abi: that driver and firmware use: the highest that both speak. */
	u16 abi;
	/** @preempt_ms: how long it lets work take to stop before it does something about it. */
	u32 preempt_ms;
	/** @features: that both know. */
	u64 features;
	/** @file: that was loaded. */
	char file[32];
};

/**
 * struct gaon_device - one card
 *
 * Allocated with the DRM device and freed with its last reference, which may be an open file's
 * long after the card is gone. Whoever touches the card does so between drm_dev_enter() and
 * drm_dev_exit(); the exceptions are probe, and the steps of gaon_device_unplug() itself.
 */
struct gaon_device {
	/** @drm: the accel device. */
	struct drm_device drm;
	/** @pdev: the PCI function; valid as long as @drm. */
	struct pci_dev *pdev;
	/** @regs: BAR0 below the MSI-X table. */
	void __iomem *regs;
	/** @doorbells: BAR4, for the driver's own queues. */
	void __iomem *doorbells;
	/** @doorbell_base: bus address of BAR4, for mappings by users. */
	phys_addr_t doorbell_base;
	/** @aperture_base: bus address of BAR2. */
	phys_addr_t aperture_base;
	/** @aperture_bytes: of HBM that BAR2 shows. */
	u64 aperture_bytes;
	/** @pci_state: the function's configuration when the driver was bound. */
	struct pci_saved_state *pci_state;
	/** @vectors: MSI-X vectors that the host gave. */
	unsigned int vectors;

	/** @state: &enum gaon_device_state. Written by gaon_device_set_state() only. */
	atomic_t state;
	/** @resets: since the driver was bound. */
	struct gaon_resets resets;

	/** @identify: what the firmware said, checked by gaon_identify(). Constant after probe. */
	struct gaon_identify identify;
	/** @fw: what runs. Written at boot only. */
	struct gaon_fw_info fw;

	/** @admin: the command queue towards the firmware. */
	struct gaon_admin *admin;
	/** @events: event rings and who listens to them. */
	struct gaon_events *events;
	/** @tlbi: the queue of invalidations. */
	struct gaon_tlbi *tlbi;
	/** @coredump: what is kept of incidents. */
	struct gaon_coredump *coredump;
	/** @fwlog: text that the firmware logs; NULL if there is none. */
	struct gaon_fwlog *fwlog;

	/** @ttm: TTM's device. */
	struct ttm_device *ttm;
	/** @hbm: manager of the card's memory. */
	struct gaon_hbm *hbm;
	/** @rooms: how room is made in the card's memory. */
	struct gaon_rooms rooms;
	/** @shrink: what is taken away when the machine is short of memory. */
	struct gaon_shrink *shrink;
	/** @migrate: the driver's own queue, which clears and moves memory. */
	struct gaon_migrate *migrate;
	/** @vms: struct gaon_vm by context; its lock also protects VM references found in it. */
	struct xarray vms;
	/** @vm_next: where to look for a free context; protected by the lock of @vms. */
	u32 vm_next;
	/** @asids: in use. */
	struct ida asids;
	/** @queues: the users' queues. */
	struct gaon_queues *queues;

	/** @power: sleep of the machine. */
	struct gaon_power power;
	/** @throttle: cap of power, highest clock. */
	struct gaon_throttle throttle;
	/** @hwmon: the sensors' device, as long as the driver has the card; NULL: none. */
	struct device *hwmon;
	/** @ras: errors of memories and links. */
	struct gaon_ras *ras;
	/** @ports: of links to other cards. */
	struct gaon_port_list *ports;

	/**
	 * @telemetry_lock: serialises use of @telemetry, as long as what is read there.
	 * Outside the admin queue's lock.
	 */
	struct mutex telemetry_lock;
	/** @telemetry: where the firmware stores a reading; DMA-coherent. */
	struct gaon_telemetry *telemetry;
	/** @telemetry_dma: its bus address. */
	dma_addr_t telemetry_dma;

	/** @heartbeat: looks whether the firmware lives. */
	struct delayed_work heartbeat;
	/** @heartbeat_last: what it saw. Only @heartbeat uses it. */
	u32 heartbeat_last;
	/** @heartbeat_missed: how often in turn nothing had moved. Only @heartbeat uses it. */
	unsigned int heartbeat_missed;
	/** @reset_wait: woken when @state changes. */
	wait_queue_head_t reset_wait;
	/** @frozen_work: gives a card up whose link the kernel does not reset. */
	struct delayed_work frozen_work;
	/** @reset_work: brings the device back, or gives it up. */
	struct work_struct reset_work;
	/** @cleanup_wq: what asynchronous work leaves over; flushed when a file is closed. */
	struct workqueue_struct *cleanup_wq;
	/** @wq: ordered: heartbeat and resets, which must not pass each other. */
	struct workqueue_struct *wq;
};

/** struct gaon_file - one open file */
struct gaon_file {
	/** @gdev: of which device. */
	struct gaon_device *gdev;
	/** @drm: the DRM file. Only valid while the file is open. */
	struct drm_file *drm;
	/** @vms: struct gaon_vm by handle; each entry holds a reference. */
	struct xarray vms;
	/** @quota: what it has of the card's memory. */
	struct gaon_quota *quota;
	/** @client: what it has of queues. */
	struct gaon_client *client;
};

static inline struct gaon_device *to_gaon_device(struct drm_device *drm)
{
	return container_of(drm, struct gaon_device, drm);
}

static inline struct gaon_file *to_gaon_file(struct drm_file *file)
{
	return file->driver_priv;
}

static inline u32 gaon_read32(struct gaon_device *gdev, u32 reg)
{
	return readl(gdev->regs + reg);
}

static inline u64 gaon_read64(struct gaon_device *gdev, u32 reg)
{
	return readq(gdev->regs + reg);
}

static inline void gaon_write32(struct gaon_device *gdev, u32 reg, u32 value)
{
	writel(value, gdev->regs + reg);
}

static inline void gaon_write64(struct gaon_device *gdev, u32 reg, u64 value)
{
	writeq(value, gdev->regs + reg);
}

static inline enum gaon_device_state gaon_device_state(struct gaon_device *gdev)
{
	return atomic_read(&gdev->state);
}

/* It will be there again. */
static inline bool gaon_device_is_away(struct gaon_device *gdev)
{
	enum gaon_device_state state = gaon_device_state(gdev);

	return state == GAON_DEVICE_RESETTING || state == GAON_DEVICE_ASLEEP;
}

static inline bool gaon_device_running(struct gaon_device *gdev)
{
	return gaon_device_state(gdev) == GAON_DEVICE_RUNNING;
}

int gaon_device_init(struct gaon_device *gdev);
int gaon_device_start(struct gaon_device *gdev);
int gaon_device_boot_kept(struct gaon_device *gdev);
int gaon_device_start_kept(struct gaon_device *gdev, int (*contents)(struct gaon_device *gdev));
void gaon_device_silence(struct gaon_device *gdev);
void gaon_device_stop(struct gaon_device *gdev);
void gaon_device_unplug(struct gaon_device *gdev);
void gaon_device_shutdown(struct gaon_device *gdev);
void gaon_device_set_state(struct gaon_device *gdev, enum gaon_device_state state);
unsigned long gaon_device_patience(struct gaon_device *gdev);
int gaon_device_check(struct gaon_device *gdev);
int gaon_device_wait_running(struct gaon_device *gdev);
int gaon_device_enter_running(struct gaon_device *gdev, int *idx);
int gaon_device_read_core(struct gaon_device *gdev, u32 core, struct gaon_core_state *out);
int gaon_device_read_ports(struct gaon_device *gdev, struct gaon_ports *out);
int gaon_device_read_telemetry(struct gaon_device *gdev, struct gaon_telemetry *out);

/* gaon_reset.c */
void gaon_reset_init(struct gaon_device *gdev);
void gaon_reset_start(struct gaon_device *gdev);
void gaon_reset_stop(struct gaon_device *gdev);
void gaon_reset_schedule(struct gaon_device *gdev, const char *why);
void gaon_reset_firmware_lost(struct gaon_device *gdev, const char *why);
void gaon_reset_ask(struct gaon_device *gdev);
void gaon_reset_ask_restart(struct gaon_device *gdev);
bool gaon_reset_look(struct gaon_device *gdev);
void gaon_reset_wait(struct gaon_device *gdev);
bool gaon_restart_may_help(struct gaon_device *gdev);
bool gaon_restart(struct gaon_device *gdev);
void gaon_reset_prepare(struct gaon_device *gdev);
void gaon_reset_done(struct gaon_device *gdev);
void gaon_reset_freeze(struct gaon_device *gdev);
bool gaon_reset_thaw(struct gaon_device *gdev);
void gaon_reset_forsake(struct gaon_device *gdev);
bool gaon_reset_is_healthy(struct gaon_device *gdev);
void gaon_reset_chip(struct gaon_device *gdev);
void gaon_reset_lose(struct gaon_device *gdev, int err);
void gaon_reset_recovered(struct gaon_device *gdev, enum gaon_rung rung, ktime_t began);
int gaon_reset_context(struct gaon_device *gdev, u32 context);
int gaon_reset_engines(struct gaon_device *gdev);
int gaon_reset_set_heartbeat(struct gaon_device *gdev);

/* gaon_drv.c */
extern const struct drm_driver gaon_drm_driver;

/* gaon_pci.c */
int gaon_pci_register(void);
void gaon_pci_unregister(void);
int gaon_pci_reset_function(struct gaon_device *gdev);

/* gaon_query.c */
int gaon_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file);

#endif
