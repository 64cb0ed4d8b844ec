// SPDX-License-Identifier: MIT
/* gaon_last_error() as if the recorder made no calls. */
#include "record.h"

#include <stdio.h>

struct kept {
	bool valid; /* what libgaon says is of a call of the recorder's own */
	struct gaon_error error;
	char file[64], device[64], text[1024], hint[512];
};

static _Thread_local struct kept kept;

void record_own_calls(void)
{
	const struct gaon_error *error;

	if (kept.valid)
		return;
	error = next.last_error();
	kept.error = *error;
	snprintf(kept.file, sizeof(kept.file), "%s", error->file ? error->file : "");
	snprintf(kept.device, sizeof(kept.device), "%s", error->device ? error->device : "");
	snprintf(kept.text, sizeof(kept.text), "%s", error->text ? error->text : "");
	snprintf(kept.hint, sizeof(kept.hint), "%s", error->hint ? error->hint : "");
	kept.error.file = kept.file;
	kept.error.device = kept.device;
	kept.error.text = kept.text;
	kept.error.hint = kept.hint;
	kept.valid = true;
}

void record_program_failed(void)
{
	kept.valid = false;
}

const struct gaon_error *hook_last_error(void)
{
	return kept.valid ? &kept.error : next.last_error();
}
