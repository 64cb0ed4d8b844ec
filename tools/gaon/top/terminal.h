/* SPDX-License-Identifier: MIT */
/* Apart from the screen: <term.h> has macros named lines and columns. */
#ifndef GAON_TOOLS_TERMINAL_H
#define GAON_TOOLS_TERMINAL_H

#include <stdbool.h>

/* False with a line on standard error: it cannot be used. True: crashes give it back from now on. */
bool terminal_begin(void);

#endif
