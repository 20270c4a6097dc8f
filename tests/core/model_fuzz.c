/* Damaged model files: each is refused, or runs within the memory that was measured for it.
 *
 *     model_fuzz FILE COUNT
 *
 * Every second file gets a new CRC-32, so that the numbers in it are looked at. Memory ends at a page that nobody may
 * touch: a byte too many ends the program, in kernels that no sanitizer has seen, too. */
#define _GNU_SOURCE
#include "lstmcore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADER = 64, RECORD = 192, ROWS = 3, STEPS = 2 };

static uint64_t state = 1;
static uint64_t draw(uint64_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (state >> 11) % n;
}

static uint32_t crc32(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

typedef struct fenced {
    char *pages, *p; /* p: `bytes` bytes that end at the fence */
    size_t all;
} fenced;

static fenced fence(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
    fenced f = {.all = room + page};
    f.pages = mmap(NULL, f.all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f.pages == MAP_FAILED || mprotect(f.pages + room, page, PROT_NONE)) exit(2);
    f.p = f.pages + room - bytes;
    return f;
}

static void release(fenced f) { munmap(f.pages, f.all); }

/* One to three changes: a bit, a byte, a number of the header or of a record; or the file is cut off. */
static size_t mutate(unsigned char *file, size_t size) {
    static const int64_t odd[] = {0, 1, -1, 2, 7, 64, 1 << 16, INT32_MAX, INT64_MAX, INT64_MIN};
    const uint32_t count = *(uint32_t *)(file + 28);
    const size_t front = HEADER + count * RECORD;
    for (uint64_t n = 1 + draw(3); n; n--) {
        const size_t at = draw(3) ? draw(front) : draw(size);
        switch (draw(5)) {
        case 0: file[at] ^= (unsigned char)(1 << draw(8)); break;
        case 1: file[at] = (unsigned char)draw(256); break;
        case 2: memcpy(file + draw(front / 8) * 8, &odd[draw(10)], 8); break;
        case 3: memcpy(file + draw(front / 4) * 4, &odd[draw(8)], 4); break;
        default: file[draw(front / 8) * 8] += 64;
        }
    }
    return draw(16) ? size : draw(size);
}

/* Opens and runs what was accepted; returns what the core says. */
static lc_status run(const void *file, size_t size, size_t memory) {
    fenced own = fence(memory), rows = {0};
    lc_model *model;
    lc_stream *stream;
    double off;
    size_t bytes;
    lc_status status = lc_model_open(file, size, own.p, &model);
    if (!status) status = lc_model_check(model, &off);
    if (!status) status = lc_stream_measure(model, ROWS, &bytes);
    if (!status) {
        rows = fence(bytes);
        status = lc_stream_open(model, ROWS, rows.p, &stream);
    }
    if (!status) {
        const size_t outputs = (size_t)lc_model_outputs(model) * ROWS * STEPS * sizeof(double);
        const size_t inputs = lc_model_takes_tokens(model) ? 1 : (size_t)lc_model_inputs(model);
        void *x = calloc(inputs * ROWS * STEPS, sizeof(double)), *y = malloc(outputs);
        status = lc_stream_feed(stream, x, STEPS, y);
        if (!status) status = lc_stream_step(stream, x, y);
        free(x), free(y);
    }
    if (rows.pages) release(rows);
    release(own);
    return status;
}

int main(int count, char **words) {
    FILE *from = count == 3 ? fopen(words[1], "rb") : NULL;
    if (!from) return 2;
    static _Alignas(64) unsigned char whole[1 << 20];
    const size_t size = fread(whole, 1, sizeof whole, from);
    fclose(from);
    int refused = 0, ran = 0;
    for (int i = 0; i < atoi(words[2]); i++) {
        unsigned char *file = aligned_alloc(64, (size + 63) / 64 * 64);
        memcpy(file, whole, size);
        size_t memory = 0, now = mutate(file, size);
        const int same = now == size && !memcmp(file, whole, size);
        if (i % 2 && now > HEADER) {
            const uint64_t bytes = now;
            const uint32_t crc = crc32(file + HEADER, now - HEADER);
            if (draw(8)) memcpy(file + 16, &bytes, 8);
            memcpy(file + 12, &crc, 4);
        }
        unsigned char *exact = malloc(now ? now : 1); /* nothing behind it */
        memcpy(exact, file, now);
        const lc_status status = lc_model_measure(exact, now, &memory);
        if (status) refused++;
        else if (i % 2 == 0 && !same && memcmp(file + HEADER, whole + HEADER, size - HEADER)) return 3; /* its CRC! */
        else {
            if (memory > 64 * size + (1 << 20)) return 4;
            if (run(exact, now, memory)) return 5;
            ran++;
        }
        free(exact), free(file);
    }
    printf("%d refused, %d ran\n", refused, ran);
    return 0;
}
