#include "pairs.h"
#include "clones.h"

#include <math.h>
#include <string.h>

// Eight running maxima, because one alone would wait for itself.
AG_CLONES static double likeness_of_line(
    const double *restrict r, size_t count, uint32_t component, double core, const uint32_t *restrict components,
    const double *restrict cores, double *restrict alike) {
    double largest[8];
    for (size_t l = 0; l < 8; l++) largest[l] = -INFINITY;
    size_t j = 0;
    for (; j + 8 <= count; j += 8) {
        for (size_t l = 0; l < 8; l++) {
            double value = r[j + l] < core ? r[j + l] : core;
            value = value < cores[j + l] ? value : cores[j + l];
            int out = components[j + l] != component && r[j + l] == r[j + l];
            value = out ? value : -INFINITY;
            alike[j + l] = value;
            largest[l] = value > largest[l] ? value : largest[l];
        }
    }
    for (; j < count; j++) {
        double value = r[j] < core ? r[j] : core;
        value = value < cores[j] ? value : cores[j];
        value = components[j] != component && r[j] == r[j] ? value : -INFINITY;
        alike[j] = value;
        largest[0] = value > largest[0] ? value : largest[0];
    }
    for (size_t l = 1; l < 8; l++) largest[0] = largest[l] > largest[0] ? largest[l] : largest[0];
    return largest[0];
}

AG_CLONES static void keep_nearest(
    const double *restrict alike, size_t count, uint32_t rank, double *restrict likeness, uint32_t *restrict partners) {
    for (size_t j = 0; j < count; j++) {
        int nearer = alike[j] > likeness[j] || (alike[j] == likeness[j] && alike[j] > -INFINITY && rank < partners[j]);
        likeness[j] = nearer ? alike[j] : likeness[j];
        partners[j] = nearer ? rank : partners[j];
    }
}

void ag_nearest_outside(
    const double *r, size_t count, const ag_reach *row, size_t i, const ag_reach *column, double *scratch) {
    double best = likeness_of_line(r, count, row->components[i], row->cores[i], column->components, column->cores, scratch);
    if (best == -INFINITY) return;
    // The columns first: in a diagonal tile both sides are one block, and the line's own place is none of its partners.
    keep_nearest(scratch, count, row->ranks[i], column->likeness, column->partners);
    if (best < row->likeness[i]) return;
    uint32_t partner = best > row->likeness[i] ? UINT32_MAX : row->partners[i];
    for (size_t j = 0; j < count; j++)
        if (scratch[j] == best && column->ranks[j] < partner) partner = column->ranks[j];
    row->likeness[i] = best;
    row->partners[i] = partner;
}

// Adding 1.5 * 2^52 leaves a number below 2^51 rounded, ties to even, in the low bits; negative for NaN.
AG_CLONES static void distances_of_line(const double *restrict r, size_t count, int64_t *restrict distances) {
    for (size_t j = 0; j < count; j++) {
        double apart = 1 - r[j];
        apart = apart > 0 ? apart : 0;
        double shifted = sqrt(2 * apart) * 0x1p40 + 0x1.8p52;
        int64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        distances[j] = r[j] == r[j] ? bits - 0x4338000000000000 : -1;
    }
}

void ag_distance_sums(
    const double *r, size_t count, int32_t label, const int32_t *labels, size_t clusters, int64_t *row_sums,
    uint32_t *row_counts, int64_t *column_sums, uint32_t *column_counts, int64_t *scratch) {
    distances_of_line(r, count, scratch);
    for (size_t j = 0; j < count; j++) {
        if (scratch[j] < 0) continue;
        if (labels[j] >= 0) {
            row_sums[labels[j]] += scratch[j];
            row_counts[labels[j]]++;
        }
        if (label >= 0) {
            column_sums[j * clusters + (size_t)label] += scratch[j];
            column_counts[j * clusters + (size_t)label]++;
        }
    }
}
