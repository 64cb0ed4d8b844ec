// SPDX-License-Identifier: MIT
/*
 * Cap of power, limit of the clock, and heat: `throttle [WAY]...`, as root, on an only card with the debug
 * fuse and two cores, whose module has inject=1. A client works all the time, and all that it computes is
 * right. Ways: cap, limit, refuse, heat, emergency, reset (by each means), rest (in D3hot), sleep (of the
 * machine).
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hw/gaon_xgaon.h>

#include "../queue_lib.h"

extern const uint8_t heater[], heater_end[];
__asm__(".section .rodata\n"
	"heater: .incbin \"" HEATER "\"\n"
	"heater_end: .previous\n");

#define ARGS		0x1000
#define DESCRIPTORS	0x2000
#define CODE		0x4000
#define CODE_VA		0x300000000ull
#define CORES		2
#define WORKGROUPS	4
#define ROUNDS		16		/* a launch takes about half a millisecond of the card's time */
#define SPM_BYTES	0x18000
#define PATIENCE_MS	120000

static char device[128], hwmon[160], debugfs[160];

/* --- files ------------------------------------------------------------------------------------- */

static void find(const char *pattern, char *out, size_t size)
{
	glob_t found;

	REQUIRE(!glob(pattern, 0, NULL, &found) && found.gl_pathc == 1, "%s", pattern);
	snprintf(out, size, "%s", found.gl_pathv[0]);
	globfree(&found);
}

static void find_files(void)
{
	char pattern[200];

	find("/sys/bus/pci/drivers/gaon/0*", device, sizeof(device));
	snprintf(pattern, sizeof(pattern), "%s/hwmon/hwmon*", device);
	find(pattern, hwmon, sizeof(hwmon));
	snprintf(debugfs, sizeof(debugfs), "/sys/kernel/debug/accel/%s", strrchr(device, '/') + 1);
}

/* 0 or a positive errno. */
static int write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int write_number(const char *dir, const char *name, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", value);
	return write_file(dir, name, text);
}

/* -1: it cannot be read, errno says why. */
static long read_number(const char *dir, const char *name)
{
	char path[300], text[64] = "";
	ssize_t n = -1;
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

static long sensor(const char *name)
{
	return read_number(hwmon, name);
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* A file of hwmon's, opened and read: what comes later is told. */
static void alarm_open(struct pollfd *alarm, const char *name)
{
	char path[300], text[8];

	snprintf(path, sizeof(path), "%s/%s", hwmon, name);
	*alarm = (struct pollfd){ .fd = open(path, O_RDONLY | O_CLOEXEC), .events = POLLPRI };
	REQUIRE(alarm->fd >= 0 && pread(alarm->fd, text, sizeof(text), 0) == 2, "%s", name);
}

/* Whether it is told in time that the alarm is not as it was, and then it is @want. */
static bool alarm_wait(struct pollfd *alarm, int ms, char want)
{
	char text[8] = "";

	return poll(alarm, 1, ms) == 1 && alarm->revents & POLLPRI &&
	       pread(alarm->fd, text, sizeof(text), 0) == 2 && text[0] == want;
}

/* --- what works ---------------------------------------------------------------------------------- */

/** struct load - a client that launches the heater without a pause */
struct load {
	struct lib lib;
	struct lib_queue queue;
	pthread_t thread;
	atomic_bool stop;
	atomic_ulong done, wrong;
	int err;
};

static void load_open(struct load *load)
{
	struct gaon_gemm_desc desc = {
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32, .m = 4096, .n = 1,
		.k = 1, .a = GAON_VA_SPM, .b = GAON_VA_SPM + 0x4000, .lda = 4, .ldb = 4, .ldc = 4,
	};
	struct lib *lib = &load->lib;
	uint32_t bo;
	char *code;

	lib_open_user(lib, &load->queue);
	bo = uapi_bo(lib->fd, 4096, DRM_GAON_BO_HOST, 0);
	code = uapi_mmap(lib->fd, bo, 4096);
	REQUIRE(code && (size_t)(heater_end - heater) <= 4096, "memory for code");
	memcpy(code, heater, heater_end - heater);
	REQUIRE(!uapi_map(lib->fd, lib->vm, bo, 0, CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC), "that runs");
	for (unsigned int i = 0; i < 4; i++) {
		desc.c = GAON_VA_SPM + (i % 2 ? 0x10000 : 0x8000);
		desc.flags = i / 2 ? GAON_GEMM_ACCUMULATE : 0;
		memcpy(lib->mem + DESCRIPTORS + 128 * i, &desc, sizeof(desc));
	}
	*lib_word(lib, ARGS) = lib_va(DESCRIPTORS);
	*lib_word(lib, ARGS + 8) = ROUNDS;
}

/* Each product is 6, and is added to so many times. */
static bool load_right(struct load *load)
{
	const float want = 6.0f * (ROUNDS + 1);
	unsigned int i;
	float got;

	for (i = 0; i < 2 * WORKGROUPS; i++) {
		memcpy(&got, load->lib.mem + ARGS + 64 + 4 * i, sizeof(got));
		if (got != want)
			return false;
	}
	return true;
}

static void *load_run(void *arg)
{
	struct gaon_packet packet = lib_launch(CODE_VA, lib_va(ARGS), WORKGROUPS);
	struct load *load = arg;

	packet.launch.spm_bytes = SPM_BYTES;
	while (!load->stop && !load->err) {
		memset(load->lib.mem + ARGS + 64, 0, 8 * WORKGROUPS);
		load->err = lib_run(&load->queue, packet);
		if (load->err)
			break;
		load->wrong += !load_right(load);
		load->done++;
	}
	return NULL;
}

static void load_begin(struct load *load)
{
	memset(load, 0, sizeof(*load));
	load_open(load);
	REQUIRE(!pthread_create(&load->thread, NULL, load_run, load), "a thread");
}

/* @lost: a reset has ended its work. */
static void load_end(struct load *load, const char *when, bool lost)
{
	load->stop = true;
	pthread_join(load->thread, NULL);
	if (lost)
		CHECK(load->err, "%s: its work was lost, and it knows (%d)", when, load->err);
	else
		CHECK(!load->err, "%s: it works on (%d)", when, load->err);
	CHECK(load->done && !load->wrong, "%s: %lu launches, %lu wrong", when, load->done, load->wrong);
	lib_close(&load->lib);
}

/* Until @count more launches are done. */
static void load_wait(struct load *load, unsigned long count)
{
	unsigned long until = load->done + count;
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;

	while (load->done < until && !load->err && lib_now() < end)
		nap(10);
	CHECK(load->done >= until, "%lu launches", count);
}

/* Until the clock of the cores is in a range, in MHz; the one that it is. */
static long clock_wait(long min, long max)
{
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;
	long mhz = -1;

	while (lib_now() < end) {
		mhz = sensor("freq1_input");
		mhz = mhz < 0 ? -1 : mhz / 1000000;
		if (mhz >= min && mhz <= max)
			break;
		nap(50);
	}
	return mhz;
}

static struct drm_gaon_query_telemetry telemetry(void)
{
	struct drm_gaon_query_telemetry t = { 0 };
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;
	int fd = uapi_open(), err;

	/* A reset may be under way. */
	do {
		err = uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &t, sizeof(t));
		nap(err ? 20 : 0);
	} while (err == EBUSY && lib_now() < end);
	CHECK_ERRNO(err, 0, "telemetry");
	close(fd);
	return t;
}

/* Whether the kernel's log has a line since it was cleared. */
static bool logged(const char *text)
{
	char command[200];

	snprintf(command, sizeof(command), "dmesg | grep -qF '%s'", text);
	return !system(command);
}

/* --- ways ------------------------------------------------------------------------------------------ */

static void way_cap(void)
{
	long min = sensor("power1_cap_min"), max = sensor("power1_cap_max"), mhz;
	struct drm_gaon_query_telemetry t;
	struct pollfd alarm, other;
	struct load load;

	alarm_open(&alarm, "power1_cap_alarm");
	alarm_open(&other, "temp1_max_alarm");
	CHECK(min > 0 && max > min && sensor("power1_cap_default") == max && sensor("power1_cap") == max,
	      "cap from %ld to %ld, and that is its default", min, max);
	load_begin(&load);
	load_wait(&load, 20);
	CHECK(sensor("freq1_input") == 1050000000, "no cap, the highest clock");
	CHECK(sensor("power1_cap_alarm") == 0, "no alarm");
	CHECK_ERRNO(write_number(hwmon, "power1_cap", min), 0, "the lowest cap");
	CHECK(sensor("power1_cap") == min, "it is that");
	mhz = clock_wait(350, 1000);
	CHECK(mhz >= 350 && mhz <= 1000, "the clock goes down: %ld MHz", mhz);
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '1'), "who waits for the alarm is told");
	load_wait(&load, 200);
	CHECK(sensor("power1_cap_alarm") == 1, "an alarm");
	sensor("power1_average");
	load_wait(&load, 40);
	CHECK(sensor("power1_average") <= min + min / 100, "%ld uW", sensor("power1_average"));
	t = telemetry();
	CHECK(t.power_cap_mw == min / 1000 && t.clock_limit_khz == 1050000 &&
	      t.throttle == DRM_GAON_THROTTLE_POWER && t.throttled_power == 1 && t.throttled_power_cycles &&
	      !t.throttled_heat, "telemetry says so: %u mW, %u kHz, %#x, %llu times", t.power_cap_mw,
	      t.clock_limit_khz, t.throttle, (unsigned long long)t.throttled_power);
	CHECK_ERRNO(write_number(hwmon, "power1_cap", max), 0, "no cap");
	mhz = clock_wait(1050, 1050);
	CHECK(mhz == 1050, "the highest clock again: %ld MHz", mhz);
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '0'), "and of its end");
	CHECK(!alarm_wait(&other, 0, '0'), "the alarm of heat was not there");
	close(alarm.fd);
	close(other.fd);
	load_end(&load, "with a cap", false);
	nap(1500);
	CHECK(logged("cores are slowed down to") && logged("cores are not slowed down any more"), "it was told");
}

static void way_limit(void)
{
	struct drm_gaon_query_telemetry t;
	struct load load;
	long mhz;

	CHECK(read_number(device, "freq/hw_min_freq") == 350 && read_number(device, "freq/hw_max_freq") == 1050 &&
	      read_number(device, "freq/set_max_freq") == 1050, "350 to 1050 MHz");
	load_begin(&load);
	for (mhz = 350; mhz <= 1050; mhz += 175) {
		CHECK_ERRNO(write_number(device, "freq/set_max_freq", mhz), 0, "a limit of %ld MHz", mhz);
		CHECK(read_number(device, "freq/set_max_freq") == mhz, "it is that");
		CHECK(sensor("freq1_input") == mhz / 50 * 50000000, "%ld Hz", sensor("freq1_input"));
		load_wait(&load, 3);
	}
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 500), 0, "a limit of 500 MHz");
	t = telemetry();
	CHECK(t.clock_limit_khz == 500000 && t.throttle == DRM_GAON_THROTTLE_LIMIT && t.clock_khz == 500000,
	      "telemetry says so");
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 1050), 0, "none");
	load_end(&load, "with a limit", false);
}

/* As somebody else, whom the files belong to not: 0 or a positive errno of the open. */
static int as_nobody(const char *dir, const char *name)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(setgid(65534) || setuid(65534) ? 255 : write_file(dir, name, "1"));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void way_refuse(void)
{
	static const char *const words[] = {
		"", "\n", "x", "-1", "0", "99999999999999999999", "-9223372036854775808", "1e9", "4294967296000",
	};
	long min = sensor("power1_cap_min"), max = sensor("power1_cap_max"), cap = (min + max) / 2000 * 1000;
	unsigned int i;

	CHECK_ERRNO(write_number(hwmon, "power1_cap", cap), 0, "a cap");
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 700), 0, "a limit");
	CHECK_ERRNO(write_number(hwmon, "power1_cap", min - 1000), EINVAL, "too low");
	CHECK_ERRNO(write_number(hwmon, "power1_cap", max + 1000), EINVAL, "too high");
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 349), EINVAL, "too slow");
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 1051), EINVAL, "too fast");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int err = write_file(hwmon, "power1_cap", words[i]);

		/* An empty write is none: nobody sees it. hwmon's core has its own word for long numbers. */
		CHECK(!*words[i] || err == EINVAL || err == ERANGE, "a cap of '%s': %d", words[i], err);
		err = write_file(device, "freq/set_max_freq", words[i]);
		CHECK(!*words[i] || err == EINVAL, "a limit of '%s': %d", words[i], err);
	}
	CHECK(as_nobody(hwmon, "power1_cap") == EACCES, "a cap of nobody's");
	CHECK(as_nobody(device, "freq/set_max_freq") == EACCES, "a limit of nobody's");
	CHECK(write_number(hwmon, "power1_cap_max", 1) == EACCES || write_number(hwmon, "power1_cap_max", 1) == EIO,
	      "the highest cap is the card's");
	CHECK(sensor("power1_cap") == cap && read_number(device, "freq/set_max_freq") == 700 &&
	      telemetry().power_cap_mw == cap / 1000 && telemetry().clock_limit_khz == 700000,
	      "nothing is changed");
	write_number(hwmon, "power1_cap", max);
	write_number(device, "freq/set_max_freq", 1050);
}

static void way_heat(void)
{
	struct drm_gaon_query_telemetry t;
	struct pollfd alarm;
	struct load load;
	long mhz;

	alarm_open(&alarm, "temp1_max_alarm");
	CHECK(sensor("temp1_max") == 100000 && sensor("temp1_max_hyst") == 95000 && sensor("temp1_crit") == 110000 &&
	      sensor("temp1_emergency") == 120000, "what is hot");
	CHECK(sensor("temp1_max_alarm") == 0 && sensor("temp1_crit_alarm") == 0, "it is not");
	load_begin(&load);
	load_wait(&load, 20);
	CHECK_ERRNO(write_file(debugfs, "inject", "ambient 125001"), ERANGE, "air that there is not");
	CHECK_ERRNO(write_file(debugfs, "inject", "ambient"), EINVAL, "air without a temperature");
	CHECK_ERRNO(write_file(debugfs, "inject", "ambient 60000"), 0, "hot air");
	mhz = clock_wait(350, 1000);
	CHECK(mhz >= 350 && mhz <= 1000, "the clock goes down: %ld MHz", mhz);
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '1'), "who waits for the alarm is told");
	load_wait(&load, 300);
	CHECK(sensor("temp1_max_alarm") == 1, "an alarm");
	CHECK(sensor("temp1_input") > 90000 && sensor("temp1_input") < 103000, "it becomes no hotter: %ld",
	      sensor("temp1_input"));
	t = telemetry();
	CHECK(t.throttle == DRM_GAON_THROTTLE_HEAT && t.throttled_heat == 1 && t.throttled_heat_cycles,
	      "telemetry says so: %#x, %llu times", t.throttle, (unsigned long long)t.throttled_heat);
	CHECK(logged("hot: cores are slowed down to"), "it was told");
	CHECK_ERRNO(write_file(debugfs, "inject", "ambient 35000"), 0, "cool air");
	mhz = clock_wait(1050, 1050);
	CHECK(mhz == 1050 && sensor("temp1_max_alarm") == 0, "the highest clock again: %ld MHz", mhz);
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '0'), "and of its end");
	close(alarm.fd);
	load_end(&load, "in hot air", false);
	nap(1500);
	CHECK(logged("cores are not slowed down any more"), "it was told");
}

/* The firmware gives up before the chip breaks; a reset brings it back. */
static void way_emergency(void)
{
	long resets = read_number(device, "resets"), now = resets;
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;
	struct pollfd alarm;
	struct load load;

	alarm_open(&alarm, "temp1_max_alarm");
	load_begin(&load);
	load_wait(&load, 5);
	write_file(debugfs, "inject", "ambient 60000");
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '1'), "it is hot");
	write_file(debugfs, "inject", "ambient 124000");
	while (now == resets && lib_now() < end) {
		nap(50);
		now = read_number(device, "resets");
	}
	CHECK(now == resets + 1, "%ld resets, before %ld", now, resets);
	load_end(&load, "too hot", true);
	telemetry();	/* when the reset is over */
	CHECK(alarm_wait(&alarm, PATIENCE_MS, '0'), "a reset ends the alarm, and that is told");
	close(alarm.fd);
	load_begin(&load);
	load_wait(&load, 5);
	CHECK(sensor("temp1_input") < 100000, "it is cool again");
	load_end(&load, "afterwards", false);
}

/* --- both are kept ---------------------------------------------------------------------------------- */

static void kept_set(long *cap)
{
	*cap = (sensor("power1_cap_min") + 7000) / 1000 * 1000;
	CHECK_ERRNO(write_number(hwmon, "power1_cap", *cap), 0, "a cap of %ld uW", *cap);
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 800), 0, "a limit");
}

static void kept_check(long cap, const char *when)
{
	struct drm_gaon_query_telemetry t = telemetry();

	CHECK(t.power_cap_mw == cap / 1000 && t.clock_limit_khz == 800000 && t.clock_khz <= 800000,
	      "%s: the card has %u mW, %u kHz, and is at %u kHz", when, t.power_cap_mw, t.clock_limit_khz,
	      t.clock_khz);
	CHECK(sensor("power1_cap") == cap && read_number(device, "freq/set_max_freq") == 800,
	      "%s: and so says the driver", when);
}

static void kept_end(void)
{
	CHECK_ERRNO(write_number(hwmon, "power1_cap", sensor("power1_cap_default")), 0, "the default");
	CHECK_ERRNO(write_number(device, "freq/set_max_freq", 1050), 0, "no limit");
}

static void way_reset(void)
{
	long cap;

	kept_set(&cap);
	CHECK_ERRNO(write_file(debugfs, "reset", "device"), 0, "a reset of the chip");
	kept_check(cap, "after a reset of the chip");
	CHECK_ERRNO(write_file(device, "reset", "1"), 0, "a function level reset");
	kept_check(cap, "after a function level reset");
	CHECK_ERRNO(write_file(debugfs, "inject", "crash"), 0, "firmware that crashes");
	kept_check(cap, "after a crash of the firmware");
	kept_end();
}

static void way_rest(void)
{
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;
	char status[32] = "";
	long cap;
	int fd;

	write_file(device, "power/autosuspend_delay_ms", "100");
	write_file(device, "power/control", "auto");
	kept_set(&cap);
	while (strncmp(status, "suspended", 9) && lib_now() < end) {
		char path[200];

		nap(50);
		snprintf(path, sizeof(path), "%s/power/runtime_status", device);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, status, sizeof(status) - 1) < 0)
			status[0] = '\0';
		close(fd);
	}
	CHECK(!strncmp(status, "suspended", 9), "it rests");
	CHECK(sensor("power1_cap") == cap && read_number(device, "freq/set_max_freq") == 800 &&
	      sensor("temp1_crit") == 110000, "what was set can be read");
	CHECK(sensor("power1_cap_alarm") < 0 && errno == ENODATA, "what would have to be measured not");
	CHECK_ERRNO(write_number(hwmon, "power1_cap", cap + 1000), 0, "and it can be set");
	kept_check(cap + 1000, "after a rest");
	write_file(device, "power/control", "on");
	kept_end();
}

static void way_sleep(void)
{
	struct load load;
	long cap;

	kept_set(&cap);
	load_begin(&load);
	load_wait(&load, 5);
	CHECK_ERRNO(write_file("/sys/power", "pm_test", "devices"), 0, "a kernel that tests its sleep");
	CHECK_ERRNO(write_file("/sys/power", "state", "mem"), 0, "the machine sleeps");
	write_file("/sys/power", "pm_test", "none");
	kept_check(cap, "after the machine's sleep");
	load_wait(&load, 5);
	load_end(&load, "over the machine's sleep", false);
	kept_end();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {
		{ "cap", way_cap }, { "limit", way_limit }, { "refuse", way_refuse }, { "heat", way_heat },
		{ "emergency", way_emergency }, { "reset", way_reset }, { "rest", way_rest },
		{ "sleep", way_sleep },
	};
	unsigned int i;
	int arg;

	find_files();
	for (arg = 1; arg < argc; arg++) {
		for (i = 0; i < sizeof(ways) / sizeof(ways[0]) && strcmp(argv[arg], ways[i].name); i++)
			;
		REQUIRE(i < sizeof(ways) / sizeof(ways[0]), "the way %s", argv[arg]);
		printf("# %s\n", argv[arg]);
		ways[i].run();
	}
	uapi_exit();
}
