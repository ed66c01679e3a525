// SPDX-License-Identifier: Apache-2.0
/* Codes, sentences and the little texts that they are made of. */
#include "internal.h"

#include <stdarg.h>
#include <string.h>

static const char *const code_names[] = {
	[-CLOISTER_VERIFY_OK]		= "no error",
	[-CLOISTER_VERIFY_EARGUMENT]	= "wrong argument",
	[-CLOISTER_VERIFY_EMEMORY]	= "out of memory",
	[-CLOISTER_VERIFY_EFILE]	= "file not readable",
	[-CLOISTER_VERIFY_ECRYPTO]	= "failure of the cryptographic library",
	[-CLOISTER_VERIFY_EENCODING]	= "malformed encoding",
	[-CLOISTER_VERIFY_EHEADER]	= "wrong COSE header",
	[-CLOISTER_VERIFY_ECLAIM]	= "wrong or missing claim",
	[-CLOISTER_VERIFY_ECHAIN]	= "no chain to a trusted root",
	[-CLOISTER_VERIFY_EVALIDITY]	= "certificate outside its validity",
	[-CLOISTER_VERIFY_EKEY]		= "not an attestation key",
	[-CLOISTER_VERIFY_ESIGNATURE]	= "wrong signature",
	[-CLOISTER_VERIFY_EBINDING]	= "certificate of another monitor or device",
	[-CLOISTER_VERIFY_ENONCE]	= "wrong nonce",
	[-CLOISTER_VERIFY_EPOLICY]	= "refused by the policy",
	[-CLOISTER_VERIFY_EUNVERIFIED]	= "no verified claims",
};

PUBLIC const char *cloister_verify_strerror(int code)
{
	if (code > 0 || code <= -(int)ARRAY_SIZE(code_names))
		return "unknown error";
	return code_names[-code];
}

PUBLIC const char *cloister_verify_version(void)
{
	return CLOISTER_VERSION;
}

int error_set(struct cloister_verify_error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	error->code = code;
	va_start(args, format);
	vsnprintf(error->sentence, sizeof(error->sentence), format, args);
	va_end(args);
	return code;
}

int error_clear(struct cloister_verify_error *error)
{
	if (error) {
		error->code = CLOISTER_VERIFY_OK;
		error->sentence[0] = '\0';
	}
	return CLOISTER_VERIFY_OK;
}

struct phrase phrase(const char *format, ...)
{
	struct phrase out;
	va_list args;

	va_start(args, format);
	vsnprintf(out.text, sizeof(out.text), format, args);
	va_end(args);
	return out;
}

struct phrase phrase_hex(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	struct phrase out;
	size_t i;

	/* The longest claim, 64 bytes, fits; anything longer is cut and says so. */
	for (i = 0; i < len && 2 * i + 6 < sizeof(out.text); i++) {
		out.text[2 * i] = digits[bytes[i] >> 4];
		out.text[2 * i + 1] = digits[bytes[i] & 15];
	}
	strcpy(out.text + 2 * i, i < len ? "..." : "");
	return out;
}

struct phrase phrase_time(int64_t when)
{
	struct phrase out;
	time_t seconds = when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(out.text, sizeof(out.text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out.text, sizeof(out.text), "%lld s after 1970", (long long)when);
	return out;
}
