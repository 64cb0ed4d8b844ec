// SPDX-License-Identifier: MIT
/* Ports of links: cards on cables that are cut, work one way, spoil what they carry; hostile frames. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hw/gaon_port.h>
#include <hw/gaon_regs.h>

#include "../../firmware/gaon_fw_embed.h"
#include "dev_host.h"

#define MS	1000000ull
#define CARDS	3
#define PORTS	6u

/* A cable's one direction. */
struct way {
	int card;			/* at its end; negative: there is none */
	unsigned int port;
	bool cut;
	int spoil;			/* this byte of what passes is changed; negative: none */
};

struct card {
	struct dev_host host;		/* of which only memory and bus are used */
	struct gaon_sim *sim;
	unsigned int number;
	struct way way[PORTS];
};

static struct card cards[CARDS];
static uint64_t now = MS;

static void send_frame(void *ctx, unsigned int port, const void *frame, size_t bytes)
{
	struct card *c = ctx;
	struct way *w = &c->way[port];
	uint8_t copy[64];

	ck_assert_uint_eq(bytes, sizeof(copy));
	if (w->card < 0 || w->cut)
		return;
	memcpy(copy, frame, sizeof(copy));
	if (w->spoil >= 0)
		copy[w->spoil] ^= 0x10;
	gaon_sim_port_receive(cards[w->card].sim, w->port, copy, sizeof(copy));
}

static uint64_t clock_ns(void *ctx)
{
	(void)ctx;
	return now;
}

/* Half a period at a time. */
static void pass(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 50) {
		now += 50 * MS;
		for (unsigned int c = 0; c < CARDS; c++)
			gaon_sim_ports_tick(cards[c].sim);
	}
}

static void join(int a, unsigned int a_port, int b, unsigned int b_port)
{
	cards[a].way[a_port] = (struct way){ .card = b, .port = b_port, .spoil = -1 };
	cards[b].way[b_port] = (struct way){ .card = a, .port = a_port, .spoil = -1 };
}

static uint8_t *dma_map(void *ctx, uint64_t iova, uint64_t *len, bool write)
{
	struct card *c = ctx;
	uint64_t offset = iova - HOST_IOVA;

	(void)write;
	if (offset >= HOST_BYTES)
		return NULL;
	if (*len > HOST_BYTES - offset)
		*len = HOST_BYTES - offset;
	return c->host.mem + offset;
}

static const struct gaon_sim_host_ops ops = {
	.dma_map = dma_map, .clock_ns = clock_ns, .port_send = send_frame,
};

static void setup(void)
{
	for (unsigned int i = 0; i < CARDS; i++) {
		struct gaon_sim_config config = {
			.size = sizeof(config), .hbm_bytes = 16 << 20, .threads = 1, .serial = i + 1,
			.ports = PORTS,
		};
		struct card *c = &cards[i];

		memset(c, 0, sizeof(*c));
		dev_host_create(&c->host, &config);
		/* The clock is the test's: a device of its own, on the same host memory. */
		gaon_sim_destroy(c->host.sim);
		c->sim = gaon_sim_create(&config, &ops, c);
		ck_assert_ptr_nonnull(c->sim);
		c->host.sim = c->sim;
		dev_host_enable(&c->host);
		ck_assert_uint_eq(dev_host_boot(&c->host, gaon_fw_image, gaon_fw_image_size,
						gaon_fw_image_size), GAON_STATE_READY);
		dev_host_admin(&c->host, 4);
		for (unsigned int p = 0; p < PORTS; p++)
			c->way[p].card = -1;
	}
}

static void teardown(void)
{
	for (unsigned int i = 0; i < CARDS; i++)
		dev_host_destroy(&cards[i].host);
}

/* As software sees it, through the firmware. */
static struct gaon_port look(int card, unsigned int port)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_PORTS, .buffer.bytes = sizeof(struct gaon_ports) };
	struct gaon_ports *ports = dev_host_alloc(&cards[card].host, sizeof(*ports), &cmd.buffer.pa);

	ck_assert_uint_eq(dev_host_command(&cards[card].host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(ports->size, sizeof(*ports));
	ck_assert_uint_eq(ports->count, PORTS);
	return ports->port[port];
}

static void expect_state(int card, unsigned int port, uint32_t state)
{
	struct gaon_port p = look(card, port);

	ck_assert_msg(p.state == state, "card %d port %u: state %u, not %u", card, port, p.state, state);
	ck_assert_uint_eq(p.mbps, state == GAON_PORT_UP ? 45000 : 0);
	ck_assert_uint_eq(p.lanes, state == GAON_PORT_UP ? 8 : 0);
}

static void expect_peer(int card, unsigned int port, unsigned int serial, unsigned int peer_port)
{
	struct gaon_port p = look(card, port);
	char text[17];

	snprintf(text, sizeof(text), "GA1-MODEL-%06u", serial);
	ck_assert_mem_eq(p.peer_serial, text, sizeof(p.peer_serial));
	ck_assert_uint_eq(p.peer_port, peer_port);
}

START_TEST(a_ring_comes_up)
{
	for (int i = 0; i < CARDS; i++)
		join(i, 0, (i + 1) % CARDS, 1);
	pass(300);
	for (int i = 0; i < CARDS; i++) {
		expect_state(i, 0, GAON_PORT_UP);
		expect_state(i, 1, GAON_PORT_UP);
		expect_peer(i, 0, (unsigned int)(i + 1) % CARDS + 1, 1);
		expect_peer(i, 1, (unsigned int)(i + CARDS - 1) % CARDS + 1, 0);
		ck_assert_uint_eq(look(i, 0).ups, 1);
		for (unsigned int p = 2; p < PORTS; p++) {
			expect_state(i, p, GAON_PORT_DOWN);
			ck_assert_uint_eq(look(i, p).peer_port, GAON_PORT_NONE);
			ck_assert_uint_eq(look(i, p).frames, 0);
		}
	}
}
END_TEST

START_TEST(a_card_may_be_joined_to_itself)
{
	join(0, 2, 0, 3);
	pass(300);
	expect_state(0, 2, GAON_PORT_UP);
	expect_peer(0, 2, 1, 3);
	/* One port's two wires, too. */
	cards[0].way[4] = (struct way){ .card = 0, .port = 4, .spoil = -1 };
	pass(300);
	expect_state(0, 4, GAON_PORT_UP);
	expect_peer(0, 4, 1, 4);
}
END_TEST

START_TEST(a_cut_cable_is_noticed)
{
	join(0, 0, 1, 1);
	pass(300);
	cards[0].way[0].cut = true;
	pass(700);
	/* Who is not heard says that it hears nothing. */
	expect_state(1, 1, GAON_PORT_DOWN);
	expect_state(0, 0, GAON_PORT_TRAINING);
	expect_peer(1, 1, 1, 0);
	cards[1].way[1].cut = true;
	pass(700);
	expect_state(0, 0, GAON_PORT_DOWN);
	cards[0].way[0].cut = cards[1].way[1].cut = false;
	pass(300);
	expect_state(0, 0, GAON_PORT_UP);
	expect_state(1, 1, GAON_PORT_UP);
	ck_assert_uint_eq(look(0, 0).ups, 2);
}
END_TEST

START_TEST(a_bad_cable_is_counted)
{
	uint64_t pa;
	struct gaon_errors *errors = dev_host_alloc(&cards[1].host, sizeof(*errors), &pa);
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_ERRORS, .buffer = { .pa = pa, .bytes = sizeof(*errors) },
	};
	uint64_t sent = 0;

	join(0, 0, 1, 1);
	pass(300);
	/* Any byte is covered. */
	for (int i = 0; i < 64; i++) {
		cards[0].way[0].spoil = i;
		pass(100);
		cards[0].way[0].spoil = -1;
		pass(100);
		sent++;
	}
	expect_state(1, 1, GAON_PORT_UP);
	ck_assert_uint_eq(look(1, 1).ups, 1);
	ck_assert_uint_eq(look(1, 1).bad, sent);
	ck_assert_uint_eq(dev_host_command(&cards[1].host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(errors->links, 1 + PORTS);
	ck_assert_uint_eq(errors->link[2].corrected, sent);
	ck_assert_uint_eq(errors->link[1].corrected, 0);
	cards[0].way[0].spoil = 40;
	pass(700);
	expect_state(1, 1, GAON_PORT_DOWN);
}
END_TEST

START_TEST(resets_take_ports_down)
{
	join(0, 0, 1, 1);
	pass(300);
	gaon_sim_reset(cards[1].sim);
	pass(50);
	expect_state(0, 0, GAON_PORT_TRAINING);
	pass(300);
	expect_state(0, 0, GAON_PORT_UP);
	ck_assert_uint_eq(look(0, 0).ups, 2);
	gaon_sim_pull(cards[1].sim);
	pass(700);
	expect_state(0, 0, GAON_PORT_DOWN);
}
END_TEST

static struct gaon_port_frame good_frame(void)
{
	struct gaon_port_frame frame = {
		.magic = GAON_PORT_MAGIC, .version = GAON_PORT_VERSION, .heard = 1, .port = 5, .lanes = 4,
		.mbps = 20000, .serial = "somebody else's",
	};

	return frame;
}

static void receive(struct gaon_port_frame frame)
{
	frame.crc = gaon_port_crc(&frame);
	gaon_sim_port_receive(cards[0].sim, 0, &frame, sizeof(frame));
}

START_TEST(the_lower_speed_is_used)
{
	struct gaon_port p;

	receive(good_frame());
	p = look(0, 0);
	ck_assert_uint_eq(p.state, GAON_PORT_UP);
	ck_assert_uint_eq(p.lanes, 4);
	ck_assert_uint_eq(p.mbps, 20000);
	ck_assert_uint_eq(p.peer_port, 5);
	ck_assert_mem_eq(p.peer_serial, "somebody else's", 16);
}
END_TEST

START_TEST(odd_frames_are_refused)
{
	struct gaon_port_frame frame = good_frame();
	struct gaon_port p;

	/* Not even looked at. */
	frame.crc = gaon_port_crc(&frame);
	gaon_sim_port_receive(cards[0].sim, 0, &frame, sizeof(frame) - 1);
	gaon_sim_port_receive(cards[0].sim, 0, &frame, 0);
	gaon_sim_port_receive(cards[0].sim, PORTS, &frame, sizeof(frame));
	gaon_sim_port_receive(cards[0].sim, 1000, &frame, sizeof(frame));
	p = look(0, 0);
	ck_assert_uint_eq(p.frames + p.bad, 0);
	/* Bad. */
	frame = good_frame();
	frame.magic++;
	receive(frame);
	ck_assert_uint_eq(look(0, 0).bad, 1);
	expect_state(0, 0, GAON_PORT_DOWN);
	/* Of who knows what version; who was heard before is still told. */
	receive(good_frame());
	for (int i = 0; i < 5; i++) {
		frame = good_frame();
		frame.version += i == 0;
		frame.heard += i == 1;
		frame.port = i == 2 ? GAON_PORTS_MAX : 1;
		frame.lanes *= i != 3;
		frame.mbps *= i != 4;
		receive(frame);
		expect_state(0, 0, GAON_PORT_MISMATCH);
		ck_assert_uint_eq(look(0, 0).peer_port, 5);
	}
	receive(good_frame());
	ck_assert_uint_eq(look(0, 0).state, GAON_PORT_UP);
	/* What a later version may use. */
	frame = good_frame();
	frame.reserved0 = frame.reserved1[2] = 1;
	receive(frame);
	ck_assert_uint_eq(look(0, 0).state, GAON_PORT_UP);
}
END_TEST

/* Each byte of good frames changed at random: no more than that frame is lost, and no port comes up by it. */
START_TEST(random_frames)
{
	const char *text = getenv("GAON_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : (unsigned int)time(NULL);
	struct gaon_port_frame frame;
	uint8_t *bytes = (uint8_t *)&frame;
	uint64_t bad = 0;

	printf("# seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		unsigned int changes = 1 + (unsigned int)rand() % 8;

		frame = good_frame();
		frame.crc = gaon_port_crc(&frame);
		while (changes--)
			bytes[rand() % 64] ^= (uint8_t)(1 + rand() % 255);
		bad += frame.magic != GAON_PORT_MAGIC || frame.crc != gaon_port_crc(&frame);
		gaon_sim_port_receive(cards[0].sim, 0, &frame, sizeof(frame));
	}
	ck_assert_uint_eq(look(0, 0).bad, bad);
	ck_assert_uint_gt(bad, 19900);
}
END_TEST

START_TEST(a_known_check_sum)
{
	/* zlib's crc32() of b"GKNL" + bytes(56). */
	struct gaon_port_frame frame = { .magic = GAON_PORT_MAGIC };

	ck_assert_uint_eq(gaon_port_crc(&frame), 0xdc29ffdb);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_port");
	TCase *tc = tcase_create("ports");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_ring_comes_up);
	tcase_add_test(tc, a_card_may_be_joined_to_itself);
	tcase_add_test(tc, a_cut_cable_is_noticed);
	tcase_add_test(tc, a_bad_cable_is_counted);
	tcase_add_test(tc, resets_take_ports_down);
	tcase_add_test(tc, the_lower_speed_is_used);
	tcase_add_test(tc, odd_frames_are_refused);
	tcase_add_test(tc, random_frames);
	tcase_add_test(tc, a_known_check_sum);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
