// SPDX-License-Identifier: MIT
/*
 * Memory that the program writes without a call and the device reads, and the other way round:
 * pinned host memory. A copy of each is kept as it was known last. Before work that may reach it is
 * given to the device, what differs was written by the program; when that work is over, what
 * differs was written by the device.
 *
 * Work reaches memory whose address is among a kernel's arguments, or was seen in data that the
 * device got.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define PIECE	  4096u
#define SETTLE_NS 2000000000ull /* for work that may have written what the program has changed */
#define OTHERS_NS 50000000ull	/* for that of other streams than the program waited for */
#define MARKS	  4096
#define USERS	  8
#define GIVING	  UINT64_MAX
#define GRAPHS	  16 /* of more, it counts as reached by all work */

/* A stream whose work may write the memory. */
struct user {
	struct gaon_stream *stream; /* NULL: none */
	uint64_t given;		    /* count of the last such work; GIVING: it is being given */
};

struct host {
	struct host *next;
	struct gaon_device *dev;
	struct gaon_mem *mem;
	uint64_t va, bytes;
	uint8_t *ptr, *known;
	bool escaped;				 /* its address is in memory of the device */
	const struct gaon_stream *recording;	 /* the graph that this stream records reaches it */
	const struct gaon_graph *graphs[GRAPHS]; /* that do */
	struct user users[USERS];
	const struct gaon_stream *ended; /* the last of them that was waited for, */
	uint64_t ended_mark;		 /* up to this mark */
};

struct mark {
	const struct gaon_event *event;
	struct gaon_stream *stream;
	uint64_t given;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all of these */
static struct host *hosts;
static struct mark marks[MARKS];
static uint64_t given_count;
static _Atomic uint32_t host_count;

/* --- what there is ---------------------------------------------------------------------------- */

void record_host_add(struct gaon_device *dev, struct gaon_mem *mem, uint64_t va, void *ptr,
		     uint64_t bytes)
{
	struct host *h = ptr ? calloc(1, sizeof(*h)) : NULL;

	if (h)
		h->known = calloc(1, bytes);
	if (!h || !h->known) {
		free(h);
		record_warn(
			"pinned host memory is not recorded: there is no memory for a copy of it");
		return;
	}
	h->dev = dev;
	h->mem = mem;
	h->va = va;
	h->bytes = bytes;
	h->ptr = ptr;
	pthread_mutex_lock(&lock);
	h->next = hosts;
	hosts = h;
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&host_count, 1);
}

static void hosts_drop(const struct gaon_mem *mem, const struct gaon_device *dev)
{
	struct host **link = &hosts;

	pthread_mutex_lock(&lock);
	while (*link) {
		struct host *h = *link;

		if (h->mem != mem && h->dev != dev) {
			link = &h->next;
			continue;
		}
		*link = h->next;
		free(h->known);
		free(h);
		atomic_fetch_sub(&host_count, 1);
	}
	pthread_mutex_unlock(&lock);
}

void record_host_del(struct gaon_mem *mem)
{
	if (atomic_load(&host_count))
		hosts_drop(mem, NULL);
}

void record_host_close(struct gaon_device *dev)
{
	if (atomic_load(&host_count))
		hosts_drop(NULL, dev);
}

uint64_t record_host_va(struct gaon_device *dev, const void *ptr, uint64_t bytes)
{
	const uint8_t *at = ptr;
	uint64_t va = 0;

	if (!atomic_load(&host_count))
		return 0;
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h && !va; h = h->next)
		if (h->dev == dev && at >= h->ptr && bytes <= h->bytes &&
		    (uint64_t)(at - h->ptr) <= h->bytes - bytes)
			va = h->va + (uint64_t)(at - h->ptr);
	pthread_mutex_unlock(&lock);
	return va;
}

/* lock held */
static struct host *host_at(const struct gaon_device *dev, uint64_t va)
{
	struct host *h;

	for (h = hosts; h && !(h->dev == dev && va >= h->va && va - h->va < h->bytes); h = h->next)
		;
	return h;
}

/* lock held. @recording: what reaches it is a graph that the stream records. */
static void scan(const struct gaon_device *dev, const void *data, uint64_t bytes,
		 const struct gaon_stream *recording)
{
	const uint8_t *at = data;
	uint64_t low = UINT64_MAX, high = 0, word;
	struct host *h;

	for (h = hosts; h; h = h->next) {
		low = h->va < low ? h->va : low;
		high = h->va + h->bytes > high ? h->va + h->bytes : high;
	}
	for (; bytes >= 8; bytes -= 8, at += 8) {
		memcpy(&word, at, 8);
		if (word < low || word >= high)
			continue;
		h = host_at(dev, word);
		if (h && recording)
			h->recording = recording;
		else if (h)
			h->escaped = true;
	}
}

void record_host_scan(struct gaon_device *dev, const void *data, uint64_t bytes)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	scan(dev, data, bytes, NULL);
	pthread_mutex_unlock(&lock);
}

void record_host_graph_args(struct gaon_device *dev, const struct gaon_stream *stream,
			    const void *args, uint64_t bytes)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	scan(dev, args, bytes, stream);
	pthread_mutex_unlock(&lock);
}

void record_host_graph_end(const struct gaon_stream *stream, const struct gaon_graph *graph)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h; h = h->next) {
		int i = 0;

		if (h->recording != stream)
			continue;
		h->recording = NULL;
		while (i < GRAPHS && h->graphs[i])
			i++;
		if (i < GRAPHS)
			h->graphs[i] = graph;
		else
			h->escaped = true;
	}
	pthread_mutex_unlock(&lock);
}

static bool in_graph(const struct host *h, const struct gaon_graph *graph)
{
	for (int i = 0; graph && i < GRAPHS; i++)
		if (h->graphs[i] == graph)
			return true;
	return false;
}

/* --- whose work may write it ------------------------------------------------------------------ */

static bool is_busy(const struct host *h)
{
	for (int i = 0; i < USERS; i++)
		if (h->users[i].stream)
			return true;
	return false;
}

static struct user *user_of(struct host *h, const struct gaon_stream *stream)
{
	for (int i = 0; i < USERS; i++)
		if (h->users[i].stream == stream)
			return &h->users[i];
	return NULL;
}

/* lock held. Of more streams than there is room for the first stands for the others. */
static void use(struct host *h, struct gaon_stream *stream)
{
	struct user *user = user_of(h, stream);

	if (!user)
		user = user_of(h, NULL);
	if (!user)
		user = &h->users[0];
	*user = (struct user){ stream, GIVING };
}

void record_host_given(const struct gaon_stream *stream)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	given_count++;
	for (struct host *h = hosts; h; h = h->next) {
		struct user *user = user_of(h, stream);

		if (user && user->given == GIVING)
			user->given = given_count;
	}
	pthread_mutex_unlock(&lock);
}

/* --- what differs ----------------------------------------------------------------------------- */

/* The first piece from @at on that differs, and how much of it does; false: none up to @end. */
static bool differs(const struct host *h, uint64_t *at, uint64_t end, uint64_t *bytes)
{
	for (; *at < end; *at = (*at / PIECE + 1) * PIECE) {
		uint64_t border = (*at / PIECE + 1) * PIECE,
			 n = (border < end ? border : end) - *at, first = 0;

		if (!memcmp(h->ptr + *at, h->known + *at, n))
			continue;
		while (h->ptr[*at + first] == h->known[*at + first])
			first++;
		while (n > first + 1 && h->ptr[*at + n - 1] == h->known[*at + n - 1])
			n--;
		*at += first;
		*bytes = n - first;
		return true;
	}
	return false;
}

/*
 * lock held. Puts what differs between @at and @end. What is put is the copy, so that file and copy
 * agree though the memory may go on changing.
 */
static void host_put(struct host *h, uint32_t op, uint64_t at, uint64_t end)
{
	uint64_t bytes;

	for (; differs(h, &at, end, &bytes); at = (at / PIECE + 1) * PIECE) {
		uint64_t more = (at / PIECE + 1) * PIECE, n;

		/* Pieces that touch go together. */
		while (more < end && at + bytes == more &&
		       differs(h, &more, more + PIECE < end ? more + PIECE : end, &n) &&
		       more == at + bytes) {
			bytes += n;
			more = (more / PIECE + 1) * PIECE;
		}
		memcpy(h->known + at, h->ptr + at, bytes);
		scan(h->dev, h->known + at / 8 * 8,
		     (at + bytes + 7) / 8 * 8 <= h->bytes ? (at + bytes + 7) / 8 * 8 - at / 8 * 8
							  : bytes,
		     NULL);
		record_done(&(struct record_call){ .op = op,
						   .object = (uintptr_t)h->dev,
						   .c = h->va + at },
			    GAON_OK, h->known + at, bytes);
		at += bytes - 1;
	}
}

static bool host_differs(const struct host *h)
{
	uint64_t at = 0, bytes;

	return differs(h, &at, h->bytes, &bytes);
}

uint64_t record_host_mark(void)
{
	uint64_t mark;

	pthread_mutex_lock(&lock);
	mark = given_count;
	pthread_mutex_unlock(&lock);
	return mark;
}

/* --- work is given ---------------------------------------------------------------------------- */

static bool reaches(const struct host *h, const struct gaon_graph *graph, const void *args,
		    uint64_t bytes)
{
	const uint8_t *at = args;
	uint64_t word;

	if (h->escaped || in_graph(h, graph))
		return true;
	for (; bytes >= 8; bytes -= 8, at += 8) {
		memcpy(&word, at, 8);
		if (word >= h->va && word - h->va < h->bytes)
			return true;
	}
	return false;
}

/* Changed while work that may write it runs: by whom is known only when that is over. */
static bool must_settle(const struct gaon_device *dev, const struct gaon_graph *graph,
			const void *args, uint64_t bytes)
{
	bool must = false;

	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h && !must; h = h->next)
		must = h->dev == dev && is_busy(h) && reaches(h, graph, args, bytes) &&
		       host_differs(h);
	pthread_mutex_unlock(&lock);
	return must;
}

/* False: it is not over; what differs is taken for the program's. */
static bool settle(struct gaon_device *dev)
{
	struct record_call call = { .op = RECORD_SETTLE, .object = (uintptr_t)dev };
	enum gaon_status status;
	uint64_t mark = record_host_mark();

	record_own_calls();
	call.a = record_wait_begin(dev);
	status = record_in_callback ? GAON_ERROR_WRONG_THREAD : next.device_wait(dev, SETTLE_NS);

	if (status && status != GAON_ERROR_FAULT) {
		record_warn("the program writes pinned host memory while work that may write it "
			    "runs: who wrote what is "
			    "a guess");
		return false;
	}
	call.status = (int32_t)status;
	record_put(&call, NULL, 0);
	record_host_idle(dev, NULL, mark);
	return true;
}

void record_host_give(struct gaon_device *dev, struct gaon_stream *stream,
		      const struct gaon_graph *graph, const void *args, uint64_t bytes)
{
	bool guess = false;

	if (!atomic_load(&host_count))
		return;
	if (must_settle(dev, graph, args, bytes))
		guess = !settle(dev);
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h; h = h->next) {
		if (h->dev != dev || !reaches(h, graph, args, bytes))
			continue;
		/* What begins to differ only now was written by the device. */
		if (guess || !is_busy(h))
			host_put(h, RECORD_HOST_WRITE, 0, h->bytes);
		use(h, stream);
	}
	pthread_mutex_unlock(&lock);
}

void record_host_copy(struct gaon_device *dev, struct gaon_stream *stream, uint64_t va,
		      uint64_t bytes, bool writes)
{
	struct host *h;
	bool guess;

	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	h = host_at(dev, va);
	if (h && bytes <= h->bytes - (va - h->va)) {
		if (!is_busy(h))
			host_put(h, RECORD_HOST_WRITE, va - h->va, va - h->va + bytes);
		if (writes)
			use(h, stream);
	} else {
		h = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (!h)
		return;
	/* Of memory that is being written, too: the program writes one part while the device writes
	 * another. */
	if (writes || !must_settle(dev, NULL, &va, sizeof(va)))
		return;
	guess = !settle(dev);
	pthread_mutex_lock(&lock);
	h = host_at(dev, va);
	if (h && (guess || !is_busy(h)) && bytes <= h->bytes - (va - h->va))
		host_put(h, RECORD_HOST_WRITE, va - h->va, va - h->va + bytes);
	pthread_mutex_unlock(&lock);
}

void record_host_wrote(struct gaon_device *dev, uint64_t va, uint64_t bytes)
{
	struct host *h;

	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	h = host_at(dev, va);
	if (h && bytes <= h->bytes - (va - h->va))
		host_put(h, RECORD_HOST_CHANGED, va - h->va, va - h->va + bytes);
	pthread_mutex_unlock(&lock);
}

static bool only_user(const struct host *h, const struct gaon_stream *stream)
{
	for (int i = 0; i < USERS; i++)
		if (h->users[i].stream && h->users[i].stream != stream)
			return false;
	return true;
}

void record_host_all(const struct gaon_stream *stream)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h; h = h->next)
		if (!stream || !is_busy(h) || only_user(h, stream))
			host_put(h, RECORD_HOST_WRITE, 0, h->bytes);
	pthread_mutex_unlock(&lock);
}

/* --- work is over ----------------------------------------------------------------------------- */

/* lock held. What it holds is the device's, unless others may still be writing. */
static void idle_put(struct host *h)
{
	if (!is_busy(h))
		host_put(h, RECORD_HOST_CHANGED, 0, h->bytes);
}

/* That wait has just ended, and the stream's work might have written it. */
static bool waited_for(const struct host *h, const struct gaon_stream *stream, uint64_t mark)
{
	return h->ended == stream && h->ended_mark == mark;
}

/* Another stream whose work may have written what differs, now that one is over; NULL: there is
 * none. */
static struct gaon_stream *other_user(const struct gaon_stream *waited, uint64_t mark,
				      const struct gaon_stream *tried[USERS], int count)
{
	struct gaon_stream *stream = NULL;

	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h && !stream; h = h->next) {
		if (!waited_for(h, waited, mark) || !is_busy(h) || !host_differs(h))
			continue;
		for (int i = 0; i < USERS && !stream; i++) {
			bool known = !h->users[i].stream;

			for (int k = 0; k < count; k++)
				known |= tried[k] == h->users[i].stream;
			stream = known ? NULL : h->users[i].stream;
		}
	}
	pthread_mutex_unlock(&lock);
	return stream;
}

static void stream_idle(const struct gaon_device *dev, const struct gaon_stream *stream,
			uint64_t mark)
{
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h; h = h->next) {
		bool ended = false;

		for (int i = 0; i < USERS && h->dev == dev; i++) {
			struct user *user = &h->users[i];

			if (!user->stream || (stream && user->stream != stream) ||
			    user->given > mark)
				continue;
			*user = (struct user){ 0 };
			h->ended = stream;
			h->ended_mark = mark;
			ended = true;
		}
		if (ended)
			idle_put(h);
	}
	pthread_mutex_unlock(&lock);
}

/* A short wait of the recorder's own, which the replay makes too. */
static void stream_settle(const struct gaon_device *dev, struct gaon_stream *stream)
{
	uint64_t mark = record_host_mark();
	struct record_call call = { .op = RECORD_SETTLE,
				    .object = (uintptr_t)stream,
				    .a = record_wait_begin(stream) };
	enum gaon_status status;

	record_own_calls();
	status = record_in_callback ? next.stream_query(stream)
				    : next.stream_wait(stream, OTHERS_NS);
	if (status && status != GAON_ERROR_FAULT)
		return;
	call.status = (int32_t)status;
	record_put(&call, NULL, 0);
	stream_idle(dev, stream, mark);
}

/* Others may be writing all the same: that the stream which was waited for has is more likely. */
static void waited_put(const struct gaon_device *dev, const struct gaon_stream *stream,
		       uint64_t mark)
{
	pthread_mutex_lock(&lock);
	for (struct host *h = hosts; h; h = h->next)
		if (h->dev == dev && waited_for(h, stream, mark) && is_busy(h))
			host_put(h, RECORD_HOST_CHANGED, 0, h->bytes);
	pthread_mutex_unlock(&lock);
}

void record_host_idle(struct gaon_device *dev, struct gaon_stream *stream, uint64_t mark)
{
	const struct gaon_stream *tried[USERS];
	struct gaon_stream *other;
	int count = 0;

	if (!atomic_load(&host_count))
		return;
	stream_idle(dev, stream, mark);
	while (stream && count < USERS && (other = other_user(stream, mark, tried, count))) {
		tried[count++] = other;
		stream_settle(dev, other);
	}
	if (count)
		waited_put(dev, stream, mark);
}

void record_host_known(struct gaon_device *dev, const void *ptr, uint64_t bytes)
{
	uint64_t va = record_host_va(dev, ptr, bytes);
	struct host *h;

	if (!va)
		return;
	pthread_mutex_lock(&lock);
	h = host_at(dev, va);
	if (h && bytes <= h->bytes - (va - h->va))
		memcpy(h->known + (va - h->va), ptr, bytes);
	pthread_mutex_unlock(&lock);
}

/* Several events may share a mark: the latest has it. */
static struct mark *mark_of(const struct gaon_event *event)
{
	return &marks[(((uintptr_t)event * 0x9e3779b97f4a7c15ull) >> 52) % MARKS];
}

void record_event_mark(struct gaon_stream *stream, struct gaon_event *event)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	*mark_of(event) = (struct mark){ event, stream, given_count };
	pthread_mutex_unlock(&lock);
}

/* lock held */
static void reached(const struct gaon_stream *stream, uint64_t mark)
{
	for (struct host *h = hosts; h; h = h->next) {
		struct user *user = user_of(h, stream);

		if (!user || user->given > mark)
			continue;
		*user = (struct user){ 0 };
		idle_put(h);
	}
}

void record_host_reached(struct gaon_stream *stream, uint64_t mark)
{
	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	reached(stream, mark);
	pthread_mutex_unlock(&lock);
}

void record_event_reached(struct gaon_event *event)
{
	struct mark *m;

	if (!atomic_load(&host_count))
		return;
	pthread_mutex_lock(&lock);
	m = mark_of(event);
	if (m->event == event)
		reached(m->stream, m->given);
	pthread_mutex_unlock(&lock);
}
