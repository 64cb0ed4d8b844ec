// SPDX-License-Identifier: MIT
/* A client of DRM's RAS interface: generic netlink, family "drm-ras". */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "inject.h"

/* <drm/drm_ras.h>, which only the newest headers have. */
#define RAS_FAMILY		"drm-ras"
#define RAS_LIST_NODES		1
#define RAS_GET_COUNTER		2
#define RAS_CLEAR_COUNTER	3
#define NODE_ID			1
#define NODE_DEVICE		2
#define NODE_NAME		3
#define COUNTER_NODE		1
#define COUNTER_ID		2
#define COUNTER_NAME		3
#define COUNTER_VALUE		4
#define ATTRIBUTES		8

/** struct request - a message that is being made */
struct request {
	struct nlmsghdr header;
	struct genlmsghdr command;
	char attributes[256];
};

/* The attributes of a message, by type; NULL: it has none of that type. */
typedef void (*take_fn)(void *arg, const struct nlattr *const attribute[ATTRIBUTES]);

static void put(struct request *request, uint16_t type, const void *data, uint16_t bytes)
{
	char *end = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
	struct nlattr *attribute = (struct nlattr *)end;

	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + bytes);
	memcpy((char *)attribute + NLA_HDRLEN, data, bytes);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

static struct request make(uint16_t family, uint16_t flags, uint8_t command)
{
	return (struct request){
		.header = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = family,
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		},
		.command = { .cmd = command, .version = 1 },
	};
}

static const void *payload(const struct nlattr *attribute)
{
	return (const char *)attribute + NLA_HDRLEN;
}

static uint32_t number(const struct nlattr *attribute)
{
	uint32_t value = UINT32_MAX;

	if (attribute && attribute->nla_len == NLA_HDRLEN + sizeof(value))
		memcpy(&value, payload(attribute), sizeof(value));
	return value;
}

static void split(const struct nlmsghdr *message, take_fn take, void *arg)
{
	const struct nlattr *found[ATTRIBUTES] = { NULL };
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);

	while (at + NLA_HDRLEN <= message->nlmsg_len) {
		const struct nlattr *attribute = (const struct nlattr *)((const char *)message + at);
		unsigned int type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < NLA_HDRLEN || at + attribute->nla_len > message->nlmsg_len)
			break;
		if (type < ATTRIBUTES)
			found[type] = attribute;
		at += NLA_ALIGN(attribute->nla_len);
	}
	take(arg, found);
}

/* Sends it and takes all that comes back; 0 or a positive errno. */
static int ask(int fd, struct request *request, take_fn take, void *arg)
{
	static char buffer[65536] __attribute__((aligned(8)));

	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return errno;
	for (;;) {
		ssize_t bytes = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;

		if (bytes < 0)
			return errno;
		for (; NLMSG_OK(message, (size_t)bytes); message = NLMSG_NEXT(message, bytes)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return 0;
			if (message->nlmsg_type == NLMSG_ERROR)
				return -((struct nlmsgerr *)NLMSG_DATA(message))->error;
			split(message, take, arg);
		}
	}
}

static void take_family(void *arg, const struct nlattr *const attribute[ATTRIBUTES])
{
	if (attribute[CTRL_ATTR_FAMILY_ID])
		memcpy(arg, payload(attribute[CTRL_ATTR_FAMILY_ID]), sizeof(uint16_t));
}

static void take_nothing(void *arg, const struct nlattr *const attribute[ATTRIBUTES])
{
	(void)arg;
	(void)attribute;
}

/* -1: the kernel does not have it. */
static int family_open(uint16_t *family)
{
	struct request request = make(GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	REQUIRE(fd >= 0, "generic netlink");
	put(&request, CTRL_ATTR_FAMILY_NAME, RAS_FAMILY, sizeof(RAS_FAMILY));
	*family = 0;
	if (!ask(fd, &request, take_family, family) && *family)
		return fd;
	close(fd);
	return -1;
}

/** struct nodes - numbers of the card's nodes: corrected, uncorrectable */
struct nodes {
	uint32_t id[2];
	unsigned int count;
};

static void take_node(void *arg, const struct nlattr *const attribute[ATTRIBUTES])
{
	static const char *const names[] = { "correctable-errors", "uncorrectable-errors" };
	struct nodes *nodes = arg;

	if (!attribute[NODE_NAME] || !attribute[NODE_DEVICE])
		return;
	for (unsigned int i = 0; i < 2; i++) {
		if (!strcmp(payload(attribute[NODE_NAME]), names[i])) {
			nodes->id[i] = number(attribute[NODE_ID]);
			nodes->count++;
		}
	}
}

static struct nodes nodes_list(int fd, uint16_t family)
{
	struct request request = make(family, NLM_F_DUMP, RAS_LIST_NODES);
	struct nodes nodes = { .count = 0 };

	MUST(!ask(fd, &request, take_node, &nodes), "nodes are listed");
	MUST(nodes.count == 2, "the card has two nodes, not %u", nodes.count);
	return nodes;
}

/** struct reading - where counters of a node go */
struct reading {
	struct counters *counters;
	unsigned int column;
};

static void take_counter(void *arg, const struct nlattr *const attribute[ATTRIBUTES])
{
	struct reading *reading = arg;
	uint32_t id = number(attribute[COUNTER_ID]);

	MUST(id < COUNTERS && attribute[COUNTER_NAME] && attribute[COUNTER_VALUE], "counter %u", id);
	reading->counters->there[id] = true;
	snprintf(reading->counters->name[id], sizeof(reading->counters->name[id]), "%s",
		 (const char *)payload(attribute[COUNTER_NAME]));
	reading->counters->count[id][reading->column] = number(attribute[COUNTER_VALUE]);
}

bool netlink_read(struct counters *counters)
{
	struct nodes nodes;
	uint16_t family;
	int fd = family_open(&family);

	memset(counters, 0, sizeof(*counters));
	if (fd < 0)
		return false;
	nodes = nodes_list(fd, family);
	for (unsigned int i = 0; i < 2; i++) {
		struct request request = make(family, NLM_F_DUMP, RAS_GET_COUNTER);
		struct reading reading = { .counters = counters, .column = i };

		put(&request, COUNTER_NODE, &nodes.id[i], sizeof(uint32_t));
		MUST(!ask(fd, &request, take_counter, &reading), "counters are listed");
	}
	close(fd);
	return true;
}

int netlink_clear(bool uncorrected, uint32_t number)
{
	struct request request;
	struct nodes nodes;
	uint16_t family;
	int fd = family_open(&family), err;

	if (fd < 0)
		return ENOENT;
	nodes = nodes_list(fd, family);
	request = make(family, NLM_F_ACK, RAS_CLEAR_COUNTER);
	put(&request, COUNTER_NODE, &nodes.id[uncorrected], sizeof(uint32_t));
	put(&request, COUNTER_ID, &number, sizeof(uint32_t));
	err = ask(fd, &request, take_nothing, NULL);
	close(fd);
	return err;
}
