#include "ckernels.h"
#include "clones.h"
#include "epilogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- logs ---

static int32_t reserve(size_t count, size_t *capacity, size_t more, void **a, size_t size_a, void **b, size_t size_b) {
    if (*capacity - count >= more) return 1;
    size_t wanted = *capacity + *capacity / 2;
    if (wanted < count + more) wanted = count + more;
    void *grown = realloc(*a, wanted * size_a);
    if (!grown) return 0;
    *a = grown;
    if (b) {
        grown = realloc(*b, wanted * size_b);
        if (!grown) return 0;
        *b = grown;
    }
    *capacity = wanted;
    return 1;
}

static int32_t log_reserve(ag_log *log, size_t more) {
    return reserve(
        log->count, &log->capacity, more, (void **)&log->values, sizeof *log->values, (void **)&log->alphas,
        sizeof *log->alphas);
}

void ag_log_free(ag_log *log) {
    free(log->values);
    free(log->alphas);
    memset(log, 0, sizeof *log);
}

void ag_edge_log_free(ag_edge_log *log) {
    free(log->edges);
    memset(log, 0, sizeof *log);
}

// --- nearest neighbours ---

// Puts a pair into the list of the largest (sign 1) or smallest (sign -1) r if it belongs there; equal r are ordered by
// rank. The list is short, so it is kept sorted.
static void insert(ag_neighbour *list, size_t kept, double sign, double r, uint32_t rank, uint32_t days) {
    size_t at = kept;
    while (at > 0) {
        const ag_neighbour *other = list + at - 1;
        if (other->rank != UINT32_MAX && (sign * r < sign * other->r || (r == other->r && rank > other->rank))) break;
        at--;
    }
    if (at == kept) return;
    memmove(list + at + 1, list + at, (kept - 1 - at) * sizeof *list);
    list[at] = (ag_neighbour){r, rank, days};
}

void ag_take_extreme(const ag_summary *summary, size_t alpha, double r, uint32_t rank, uint32_t days) {
    const size_t kept = summary->kept;
    ag_neighbour *most = summary->most + alpha * kept, *least = summary->least + alpha * kept;
    if (r >= summary->most_from[alpha]) {
        insert(most, kept, 1, r, rank, days);
        const ag_neighbour *last = most + kept - 1;
        if (last->rank != UINT32_MAX && last->r > summary->most_from[alpha]) summary->most_from[alpha] = last->r;
    }
    if (r <= summary->least_to[alpha]) {
        insert(least, kept, -1, r, rank, days);
        const ag_neighbour *last = least + kept - 1;
        if (last->rank != UINT32_MAX && last->r < summary->least_to[alpha]) summary->least_to[alpha] = last->r;
    }
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

AG_INLINE void append(ag_log *log, size_t alpha, double value) {
    log->values[log->count] = value;
    log->alphas[log->count] = (uint32_t)alpha;
    log->count++;
}

AG_INLINE void bracket(const ag_summary *summary, size_t alpha, double r) {
    summary->below[alpha] += r < summary->low[alpha];
    if (r >= summary->low[alpha] && r <= summary->high[alpha]) append(summary->log, alpha, r);
}

AG_INLINE void take(const ag_summary *summary, size_t alpha, double r, uint32_t rank, uint32_t days) {
    summary->sum[alpha] += fixed_point(r);
    summary->count[alpha] += 1;
    if (r >= summary->most_from[alpha] || r <= summary->least_to[alpha]) ag_take_extreme(summary, alpha, r, rank, days);
}

AG_CLONES void ag_reduce_plain(const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only) {
    for (size_t k = 0; k < rows->count; k++) {
        const double *r = rows->r + k * rows->step;
        const uint32_t *days = rows->days + k * rows->days_step;
        const size_t i = rows->first + k;
        for (size_t j = 0; j < rows->columns; j++) {
            if (r[j] != r[j]) continue;
            if (!median_only) {
                take(row, i, r[j], column->rank[j], days[j]);
                take(column, j, r[j], row->rank[i], days[j]);
            }
            bracket(row, i, r[j]);
            bracket(column, j, r[j]);
        }
    }
}

// --- edges ---

// Pairs beyond the threshold. Once the log is full only their number is counted.
static void find_edges(const ag_rows *rows, const ag_summary *row, const ag_summary *column, ag_edge_log *log) {
    for (size_t k = 0; k < rows->count; k++) {
        const double *r = rows->r + k * rows->step;
        for (size_t j = 0; j < rows->columns; j++) {
            if (!((log->absolute ? fabs(r[j]) : r[j]) >= log->from)) continue;
            if (log->count == log->limit) {
                log->dropped++;
                continue;
            }
            if (!reserve(log->count, &log->capacity, 1, (void **)&log->edges, sizeof *log->edges, NULL, 0)) abort();
            log->edges[log->count++] = (ag_edge){
                r[j], row->rank[rows->first + k], column->rank[j], rows->days[k * rows->days_step + j], 0};
        }
    }
}

int32_t ag_has_vector_reduce(void) {
#ifdef AG_VECTOR_REDUCE
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

void ag_reduce(
    const ag_rows *rows, const ag_summary *row, const ag_summary *column, int32_t median_only, ag_edge_log *edges) {
    // Both sides of a diagonal tile share a log; and whole vectors are stored, of which only the first elements count.
    const size_t room = 2 * rows->count * rows->columns + 8;
    if (!log_reserve(row->log, room) || !log_reserve(column->log, room)) abort();
    if (edges && !median_only) find_edges(rows, row, column, edges);
#ifdef AG_VECTOR_REDUCE
    if (rows->count == AG_ROWS && ag_has_vector_reduce()) {
        ag_reduce_avx512(rows, row, column, median_only);
        return;
    }
#endif
    ag_reduce_plain(rows, row, column, median_only);
}
