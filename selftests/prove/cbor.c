// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The monitor's CBOR writer, for buffers, strings and lengths of any size. What its callers owe: a
 * buffer that is as long as they say, which neither the writer nor what is written lies in.
 */
#include "monitor_internal.h"

/*@ predicate writes(struct cbor_writer *w) =
      \valid(w) && (w->capacity == 0 || (\valid(w->buffer + (0 .. w->capacity - 1)) &&
        \separated(w, w->buffer + (0 .. w->capacity - 1))));

    predicate outside(struct cbor_writer *w, u8 *data, integer len) =
      len == 0 || (\valid_read(data + (0 .. len - 1)) && \separated(data + (0 .. len - 1), w) &&
        (w->capacity == 0 ||
         \separated(data + (0 .. len - 1), w->buffer + (0 .. w->capacity - 1)))); */

/*@ requires \valid(w);
    requires capacity == 0 || (\valid(buffer + (0 .. capacity - 1)) &&
      \separated(w, buffer + (0 .. capacity - 1)));
    assigns *w;
    ensures writes(w) && w->length == 0; */
void cbor_begin(struct cbor_writer *w, u8 *buffer, size_t capacity);

/*@ requires \valid_read(w);
    assigns \nothing;
    ensures \result == 1 <==> w->length <= w->capacity; */
bool cbor_fits(const struct cbor_writer *w);

/*@ requires writes(w) && outside(w, data, len);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
static void put(struct cbor_writer *w, const u8 *data, size_t len);

/*@ requires \valid(bytes + (0 .. 8));
    assigns bytes[0 .. 8];
    ensures 1 <= \result <= 9; */
static size_t encode_head(u8 bytes[9], u8 major, u64 value);

/*@ requires \valid(out + (0 .. 8));
    assigns out[0 .. 8];
    ensures 1 <= \result <= 9; */
size_t cbor_bytes_head(u8 out[9], size_t len);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
static void head(struct cbor_writer *w, u8 major, u64 value);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_int(struct cbor_writer *w, long long value);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_uint(struct cbor_writer *w, u64 value);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_array(struct cbor_writer *w, size_t items);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_map(struct cbor_writer *w, size_t pairs);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_tag(struct cbor_writer *w, u64 tag);

/*@ requires writes(w);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_bool(struct cbor_writer *w, bool value);

/*@ requires writes(w) && outside(w, data, len);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_bytes(struct cbor_writer *w, const u8 *data, size_t len);

/*@ requires writes(w);
    requires \exists integer n; 0 <= n < 0xffffffffffffffff && text[n] == 0 && outside(w, text, n + 1);
    assigns w->length, w->buffer[0 .. w->capacity - 1];
    ensures counted: w->length >= \old(w->length); */
void cbor_text(struct cbor_writer *w, const char *text);

#include "../../driver/monitor/core/cbor.c"
