#include "ckernels.h"
#include "clones.h"

#include <string.h>

// Order statistics of values without NaN. Two pivots from a small sorted sample enclose the wanted one; a pass counts
// what lies below and between them, another packs what may still be it. Both passes are plain loops over all values,
// which vectorise, where quickselect mispredicts every other branch.

enum { SAMPLE = 31, MARGIN = 3, FEW = 40 };

#define SELECT(NAME, TYPE)                                                                                             \
    AG_INLINE void NAME##_sort(TYPE *values, size_t n) {                                                               \
        for (size_t i = 1; i < n; i++) {                                                                               \
            TYPE value = values[i];                                                                                    \
            size_t k = i;                                                                                              \
            for (; k > 0 && values[k - 1] > value; k--) values[k] = values[k - 1];                                     \
            values[k] = value;                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    /* Packs the values from low to high; in may be out. */                                                            \
    AG_INLINE size_t NAME##_pack(const TYPE *in, size_t n, TYPE low, TYPE high, TYPE *out) {                           \
        size_t kept = 0;                                                                                               \
        for (size_t k = 0; k < n; k++) {                                                                               \
            TYPE value = in[k];                                                                                        \
            out[kept] = value;                                                                                         \
            kept += (size_t)((value >= low) & (value <= high));                                                        \
        }                                                                                                              \
        return kept;                                                                                                   \
    }                                                                                                                  \
    AG_CLONES TYPE NAME(const TYPE *values, size_t n, size_t position, TYPE *scratch) {                                \
        const TYPE *left = values;                                                                                     \
        while (n > FEW) {                                                                                              \
            TYPE sample[SAMPLE];                                                                                       \
            for (size_t k = 0; k < SAMPLE; k++) sample[k] = left[(2 * k + 1) * n / (2 * SAMPLE)];                      \
            NAME##_sort(sample, SAMPLE);                                                                               \
            size_t middle = position * SAMPLE / n;                                                                     \
            TYPE low = sample[middle < MARGIN ? 0 : middle - MARGIN];                                                  \
            TYPE high = sample[middle + MARGIN >= SAMPLE ? SAMPLE - 1 : middle + MARGIN];                              \
            uint32_t below = 0, to_high = 0, at_low = 0;                                                               \
            for (size_t k = 0; k < n; k++) {                                                                           \
                below += left[k] < low;                                                                                \
                at_low += left[k] == low;                                                                              \
                to_high += left[k] <= high;                                                                            \
            }                                                                                                          \
            if (position >= below && position < below + at_low) return low;                                            \
            TYPE from = left[0], to = left[0];                                                                         \
            if (position < below) {                                                                                    \
                for (size_t k = 0; k < n; k++) {                                                                       \
                    from = left[k] < from ? left[k] : from;                                                            \
                    to = left[k] < low && (to >= low || left[k] > to) ? left[k] : to;                                  \
                }                                                                                                      \
            } else if (position >= to_high) {                                                                          \
                for (size_t k = 0; k < n; k++) {                                                                       \
                    to = left[k] > to ? left[k] : to;                                                                  \
                    from = left[k] > high && (from <= high || left[k] < from) ? left[k] : from;                        \
                }                                                                                                      \
                position -= to_high;                                                                                   \
            } else {                                                                                                   \
                /* low itself is ruled out, so each round leaves fewer values. */                                      \
                to = high;                                                                                             \
                from = high;                                                                                           \
                for (size_t k = 0; k < n; k++) from = left[k] > low && left[k] < from ? left[k] : from;                \
                position -= below + at_low;                                                                            \
            }                                                                                                          \
            n = NAME##_pack(left, n, from, to, scratch);                                                               \
            left = scratch;                                                                                            \
        }                                                                                                              \
        TYPE few[FEW];                                                                                                 \
        memcpy(few, left, n * sizeof(TYPE));                                                                           \
        NAME##_sort(few, n);                                                                                           \
        return few[position];                                                                                          \
    }                                                                                                                  \
    AG_CLONES size_t NAME##_keep(TYPE *values, size_t n, TYPE low, TYPE high, size_t *below) {                         \
        uint32_t count = 0;                                                                                            \
        for (size_t k = 0; k < n; k++) count += values[k] < low;                                                       \
        *below = count;                                                                                                \
        return NAME##_pack(values, n, low, high, values);                                                              \
    }

SELECT(ag_select_f64, double)
SELECT(ag_select_f32, float)
