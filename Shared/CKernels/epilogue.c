#include "ckernels.h"
#include "clones.h"
#include "epilogue.h"

#include <stdlib.h>
#include <string.h>

// --- logs ---

// Makes room for `wanted` elements in all, and half as much again so that growing stays cheap.
static int32_t grow(void **memory, size_t *capacity, size_t wanted, size_t size) {
    if (*capacity >= wanted) return 1;
    size_t enough = wanted + *capacity / 2;
    void *grown = realloc(*memory, enough * size);
    if (!grown) return 0;
    *memory = grown;
    *capacity = enough;
    return 1;
}

void ag_log_reserve(ag_log *log, int32_t is_float, size_t lines, size_t values) {
    // Whole vectors are stored, of which only the first elements count. Bytes are what is counted, since the memory stays
    // for tasks of the other precision.
    size_t size = is_float ? sizeof(float) : sizeof(double);
    if (!grow(&log->values, &log->bytes_capacity, (log->count + values + 16) * size, 1)
        || !grow((void **)&log->counts, &log->lines_capacity, log->lines + lines, sizeof *log->counts))
        abort();
}

void ag_log_free(ag_log *log) {
    free(log->values);
    free(log->counts);
    memset(log, 0, sizeof *log);
}

void ag_edge_log_free(ag_edge_log *log) {
    free(log->edges);
    memset(log, 0, sizeof *log);
}

// --- nearest neighbours ---

// The lists are short, so they are kept sorted; equal r are ordered by rank. An empty place loses against any pair.
#define INSERT(NAME, BETTER)                                                                                           \
    AG_INLINE int NAME##_precedes(double r, uint32_t rank, const ag_neighbour *other) {                                \
        return r BETTER other->r || (r == other->r && rank < other->rank);                                             \
    }                                                                                                                  \
    AG_INLINE void NAME(ag_neighbour *list, size_t kept, double r, uint32_t rank, uint32_t days) {                     \
        size_t at = kept - 1;                                                                                          \
        if (!NAME##_precedes(r, rank, list + at)) return;                                                              \
        for (; at > 0 && NAME##_precedes(r, rank, list + at - 1); at--) list[at] = list[at - 1];                       \
        list[at] = (ag_neighbour){r, rank, days};                                                                      \
    }

INSERT(insert_most, >)
INSERT(insert_least, <)

void ag_take_most(const ag_line *line, const ag_summary *summary, size_t alpha, size_t j, double r) {
    ag_neighbour *list = summary->most + alpha * summary->kept, *last = list + summary->kept - 1;
    if (r < summary->most_from[alpha]) return;
    insert_most(list, summary->kept, r, line->ranks[j], line->days ? line->days[j * line->days_step] : line->common);
    if (last->r > summary->most_from[alpha]) summary->most_from[alpha] = last->r;
}

void ag_take_least(const ag_line *line, const ag_summary *summary, size_t alpha, size_t j, double r) {
    ag_neighbour *list = summary->least + alpha * summary->kept, *last = list + summary->kept - 1;
    if (r > summary->least_to[alpha]) return;
    insert_least(list, summary->kept, r, line->ranks[j], line->days ? line->days[j * line->days_step] : line->common);
    if (last->r < summary->least_to[alpha]) summary->least_to[alpha] = last->r;
}

// --- the plain version: what each value does, one by one ---

// round(r * 2^40), ties to even. Adding 1.5 * 2^52 leaves the integer in the low bits of the sum; |r| <= 1 keeps it far
// from the edges.
AG_INLINE int64_t fixed_point(double r) {
    const double magic = AG_FIXED_MAGIC;
    double shifted = r * AG_FIXED_SCALE + magic;
    int64_t bits, base;
    memcpy(&bits, &shifted, 8);
    memcpy(&base, &magic, 8);
    return bits - base;
}

#define PLAIN_LINE(NAME, TYPE)                                                                                         \
    AG_CLONES static void NAME(const ag_line *line, const ag_summary *s, size_t alpha, int32_t median_only) {          \
        const TYPE *values = line->r;                                                                                  \
        TYPE *inside = (TYPE *)s->log->values + s->log->count;                                                         \
        const double low = s->low[alpha], high = s->high[alpha];                                                       \
        int64_t sum = 0;                                                                                               \
        uint32_t count = 0, below = 0;                                                                                 \
        size_t kept = 0;                                                                                               \
        for (size_t j = 0; j < line->count; j++) {                                                                     \
            const double r = values[j];                                                                                \
            if (r != r) continue;                                                                                      \
            sum += fixed_point(r);                                                                                     \
            count++;                                                                                                   \
            below += r < low;                                                                                          \
            inside[kept] = values[j];                                                                                  \
            kept += (size_t)((r >= low) & (r <= high));                                                                \
            if (median_only) continue;                                                                                 \
            ag_take_most(line, s, alpha, j, r);                                                                        \
            ag_take_least(line, s, alpha, j, r);                                                                       \
        }                                                                                                              \
        s->below[alpha] += below;                                                                                      \
        s->log->count += kept;                                                                                         \
        s->log->counts[s->log->lines++] = (uint32_t)kept;                                                              \
        if (median_only) return;                                                                                       \
        s->sum[alpha] += sum;                                                                                          \
        s->count[alpha] += count;                                                                                      \
    }

PLAIN_LINE(plain_line_f64, double)
PLAIN_LINE(plain_line_f32, float)

void ag_reduce_line_plain(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only) {
    if (summary->is_float) plain_line_f32(line, summary, alpha, median_only);
    else plain_line_f64(line, summary, alpha, median_only);
}

// --- edges ---

// Pairs of a line beyond the threshold. Once the log is full only their number is counted.
#define FIND_EDGES(NAME, TYPE)                                                                                         \
    AG_CLONES static void NAME(const ag_line *line, uint32_t rank, ag_edge_log *log) {                                 \
        const TYPE *values = line->r;                                                                                  \
        unsigned found = 0;                                                                                            \
        for (size_t j = 0; j < line->count; j++) {                                                                     \
            double r = values[j];                                                                                      \
            found |= (log->absolute ? fabs(r) : r) >= log->from;                                                       \
        }                                                                                                              \
        for (size_t j = 0; found && j < line->count; j++) {                                                            \
            double r = values[j];                                                                                      \
            if (!((log->absolute ? fabs(r) : r) >= log->from)) continue;                                               \
            if (log->count == log->limit) {                                                                            \
                log->dropped++;                                                                                        \
                continue;                                                                                              \
            }                                                                                                          \
            if (!grow((void **)&log->edges, &log->capacity, log->count + 1, sizeof *log->edges)) abort();              \
            uint32_t days = line->days ? line->days[j * line->days_step] : line->common;                               \
            log->edges[log->count++] = (ag_edge){r, rank, line->ranks[j], days, 0};                                    \
        }                                                                                                              \
    }

FIND_EDGES(find_edges_f64, double)
FIND_EDGES(find_edges_f32, float)

void ag_find_edges(const ag_line *line, int32_t is_float, uint32_t rank, ag_edge_log *log) {
    if (is_float) find_edges_f32(line, rank, log);
    else find_edges_f64(line, rank, log);
}

int32_t ag_has_vector_reduce(void) {
#ifdef AG_VECTOR_REDUCE
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

void ag_reduce_line(const ag_line *line, const ag_summary *summary, size_t alpha, int32_t median_only) {
#ifdef AG_VECTOR_REDUCE
    if (ag_has_vector_reduce()) {
        if (summary->is_float) ag_reduce_line_avx512_f32(line, summary, alpha, median_only);
        else ag_reduce_line_avx512_f64(line, summary, alpha, median_only);
        return;
    }
#endif
    ag_reduce_line_plain(line, summary, alpha, median_only);
}
