/* SPDX-License-Identifier: MIT */
/* Cards below a port whose link has errors, is reset, or is lost: what the programs beside this share. */
#ifndef GAON_TESTS_UAPI_LINK_H
#define GAON_TESTS_UAPI_LINK_H

#include "../liar/cards.h"

/* Bits of the status registers of the AER capability. */
#define LINK_BAD_TLP		0x40u		/* correctable */
#define LINK_TIMEOUT		0x4000u		/* a completion that did not come: not fatal */
#define LINK_MALFORMED		0x40000u	/* fatal */

/* Clients of a card, of both kinds, with work that has no end and somebody who waits for it. */
struct clients {
	struct lib lr, fence;
	struct lib_queue user, kernel;
	uint32_t out;
};

/* The card of that address; ends the program if it has no driver. */
void link_card(struct card *card, const char *address);
/* Of the kernel's module aer_inject: an error of the function at @address. False: errno says why. */
bool link_inject(const char *address, uint32_t correctable, uint32_t uncorrectable);
/* The address of the port above, which is over when the function there changes. */
void link_parent(const char *address, char parent[32]);
/* A number in the named statistics of the kernel about a function's errors, for instance "TOTAL_ERR_COR". */
long link_statistic(const char *address, const char *file, const char *name);
/* Asks the kernel for a reset of the function. */
bool link_flr(const struct card *card);

void clients_start(struct clients *clients, const struct card *card);
/* Each of them is told that its work is lost, and why. */
void clients_check_lost(struct clients *clients, int err);
/* The same after the firmware was lost: their address spaces may have gone with it, or not. */
void clients_check_told(struct clients *clients);
void clients_end(struct clients *clients);
/* Somebody new has data copied there and back. */
void link_check_works(const struct card *card, const char *when);

#endif
