#include "ckernels.h"
#include "clones.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define AG_VECTOR_PACK 1
#include <immintrin.h>
#endif

// Order statistics of values without NaN. Two numbers enclose the wanted one; each pass counts how many values lie below
// another number between them, chosen a little to either side of where the wanted one should be if the values were
// spread evenly. When few are left they are sorted. Passes are plain loops over all values, which vectorise, where
// quickselect mispredicts every other branch.

// Values that are sorted; and passes after which the bits between both ends are halved instead, which ends soon.
enum { FEW = 16, GUESSES = 24 };

// Packs the values from low to high in their order; `out` may be `in`.
#define PACK(NAME, TYPE)                                                                                               \
    static size_t NAME##_plain(const TYPE *in, size_t n, TYPE low, TYPE high, TYPE *out) {                             \
        size_t kept = 0;                                                                                               \
        for (size_t k = 0; k < n; k++) {                                                                               \
            TYPE value = in[k];                                                                                        \
            if (kept < n) out[kept] = value;                                                                           \
            kept += (size_t)((value >= low) & (value <= high));                                                        \
        }                                                                                                              \
        return kept;                                                                                                   \
    }

PACK(pack_f64, double)
PACK(pack_f32, float)

#ifdef AG_VECTOR_PACK
#define VECTOR_PACK(NAME, TYPE, VECTOR, MASK, LANES, P)                                                                \
    __attribute__((target("avx512f"))) static size_t NAME##_vectors(                                                   \
        const TYPE *in, size_t n, TYPE low, TYPE high, TYPE *out) {                                                    \
        const VECTOR from = _mm512_set1_##P(low), to = _mm512_set1_##P(high);                                          \
        size_t kept = 0;                                                                                               \
        for (size_t k = 0; k < n; k += LANES) {                                                                        \
            const size_t left = n - k < LANES ? n - k : LANES;                                                         \
            const MASK real = (MASK)((1u << left) - 1);                                                                \
            const VECTOR v = _mm512_maskz_loadu_##P(real, in + k);                                                     \
            const MASK in_range = _mm512_mask_cmp_##P##_mask(                                                          \
                _mm512_mask_cmp_##P##_mask(real, v, from, _CMP_GE_OQ), v, to, _CMP_LE_OQ);                             \
            const size_t count = (size_t)__builtin_popcount(in_range);                                                 \
            _mm512_mask_storeu_##P(out + kept, (MASK)((1u << count) - 1), _mm512_maskz_compress_##P(in_range, v));     \
            kept += count;                                                                                             \
        }                                                                                                              \
        return kept;                                                                                                   \
    }

VECTOR_PACK(pack_f64, double, __m512d, __mmask8, 8, pd)
VECTOR_PACK(pack_f32, float, __m512, __mmask16, 16, ps)
#define PACKED(NAME, in, n, low, high, out)                                                                            \
    (__builtin_cpu_supports("avx512f") ? NAME##_vectors(in, n, low, high, out) : NAME##_plain(in, n, low, high, out))
#else
#define PACKED(NAME, in, n, low, high, out) NAME##_plain(in, n, low, high, out)
#endif

// Numbers as integers of the same order: of negative ones all bits are flipped, of others only the sign.
#define ORDER(NAME, TYPE, KEY)                                                                                         \
    AG_INLINE KEY NAME##_key(TYPE value) {                                                                             \
        KEY bits;                                                                                                      \
        memcpy(&bits, &value, sizeof bits);                                                                            \
        const KEY sign = (KEY)1 << (8 * sizeof bits - 1);                                                              \
        return bits & sign ? ~bits : bits | sign;                                                                      \
    }                                                                                                                  \
    AG_INLINE TYPE NAME##_value(KEY key) {                                                                             \
        const KEY sign = (KEY)1 << (8 * sizeof key - 1);                                                               \
        const KEY bits = key & sign ? key & ~sign : ~key;                                                              \
        TYPE value;                                                                                                    \
        memcpy(&value, &bits, sizeof value);                                                                           \
        return value;                                                                                                  \
    }

ORDER(order_f64, double, uint64_t)
ORDER(order_f32, float, uint32_t)

#define SELECT(NAME, TYPE, COUNT, ORDER, PACK)                                                                         \
    AG_CLONES static size_t NAME##_below(const TYPE *values, size_t n, TYPE limit) {                                   \
        COUNT below = 0;                                                                                               \
        for (size_t k = 0; k < n; k++) below += values[k] < limit;                                                     \
        return below;                                                                                                  \
    }                                                                                                                  \
    /* Of more than FEW values, so that the last vector may overlap the one before. */                                 \
    AG_CLONES static void NAME##_range(const TYPE *values, size_t n, TYPE *low, TYPE *high) {                          \
        typedef TYPE vector __attribute__((vector_size(64)));                                                          \
        typedef COUNT mask __attribute__((vector_size(64)));                                                           \
        enum { LANES = 64 / sizeof(TYPE) };                                                                            \
        vector lows, highs, v;                                                                                         \
        memcpy(&lows, values, sizeof lows);                                                                            \
        highs = lows;                                                                                                  \
        for (size_t k = LANES; k < n; k += LANES) {                                                                    \
            memcpy(&v, values + (k + LANES <= n ? k : n - LANES), sizeof v);                                           \
            const mask lower = (mask)(v < lows), higher = (mask)(v > highs);                                           \
            lows = (vector)((lower & (mask)v) | (~lower & (mask)lows));                                                \
            highs = (vector)((higher & (mask)v) | (~higher & (mask)highs));                                            \
        }                                                                                                              \
        *low = lows[0];                                                                                                \
        *high = highs[0];                                                                                              \
        for (size_t l = 1; l < LANES; l++) {                                                                           \
            *low = lows[l] < *low ? lows[l] : *low;                                                                    \
            *high = highs[l] > *high ? highs[l] : *high;                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static TYPE NAME##_sorted(TYPE *values, size_t n, size_t position) {                                               \
        for (size_t i = 1; i < n; i++) {                                                                               \
            TYPE value = values[i];                                                                                    \
            size_t k = i;                                                                                              \
            for (; k > 0 && values[k - 1] > value; k--) values[k] = values[k - 1];                                     \
            values[k] = value;                                                                                         \
        }                                                                                                              \
        return values[position];                                                                                       \
    }                                                                                                                  \
    TYPE NAME(const TYPE *values, size_t n, size_t position, TYPE *scratch) {                                          \
        TYPE few[FEW];                                                                                                 \
        if (n <= FEW) {                                                                                                \
            memcpy(few, values, n * sizeof(TYPE));                                                                     \
            return NAME##_sorted(few, n, position);                                                                    \
        }                                                                                                              \
        /* below_a values are smaller than a, at most `position`; below_b are smaller than b, more than that. */       \
        TYPE a, b;                                                                                                     \
        NAME##_range(values, n, &a, &b);                                                                               \
        size_t below_a = 0, below_b = NAME##_below(values, n, b);                                                      \
        if (position >= below_b) return b;                                                                             \
        for (int pass = 0; below_b - below_a > FEW; pass++) {                                                          \
            const TYPE next = ORDER##_value(ORDER##_key(a) + 1);                                                       \
            if (!(next < b)) return a;                                                                                 \
            const double between = (double)(below_b - below_a);                                                        \
            const double margin = (0.7 * sqrt(between) + 1) * (pass % 2 ? 1 : -1);                                     \
            const double wanted = (double)(position - below_a) + 0.5 + margin;                                         \
            TYPE guess = (TYPE)(a + (b - a) * (wanted / between));                                                     \
            if (pass >= GUESSES || isnan(guess)) guess = ORDER##_value(ORDER##_key(a) / 2 + ORDER##_key(b) / 2);       \
            if (!(guess > a)) guess = next;                                                                            \
            if (!(guess < b)) guess = ORDER##_value(ORDER##_key(b) - 1);                                               \
            const size_t below = NAME##_below(values, n, guess);                                                       \
            if (below <= position) {                                                                                   \
                a = guess;                                                                                             \
                below_a = below;                                                                                       \
            } else {                                                                                                   \
                b = guess;                                                                                             \
                below_b = below;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        const size_t left = PACKED(PACK, values, n, a, ORDER##_value(ORDER##_key(b) - 1), scratch);                    \
        return NAME##_sorted(scratch, left, position - below_a);                                                       \
    }                                                                                                                  \
    size_t NAME##_keep(TYPE *values, size_t n, TYPE low, TYPE high, size_t *below) {                                   \
        *below = NAME##_below(values, n, low);                                                                         \
        return PACKED(PACK, values, n, low, high, values);                                                             \
    }

SELECT(ag_select_f64, double, uint64_t, order_f64, pack_f64)
SELECT(ag_select_f32, float, uint32_t, order_f32, pack_f32)
