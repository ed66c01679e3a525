// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: sequences of monitor calls, held against a model. See sequence.h. */
#include "sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sequence s;
	static bool prepared;

	if (!prepared)
		sequence_prepare();
	prepared = true;
	sequence_run(&s, "this input", data, size);
	return 0;
}
