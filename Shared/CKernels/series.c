#include "ckernels.h"
#include "clones.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

// Lanes of a vector that hold a number.
#define PRESENT(v) ((v) == (v))

AG_INLINE double largest(const double *lanes) {
    double largest = lanes[0];
    for (size_t l = 1; l < AG_LANES; l++) largest = lanes[l] > largest ? lanes[l] : largest;
    return largest;
}

AG_CLONES double ag_largest_magnitude(const double *values, size_t count) {
    ag_doubles highs = {0}, v;
    size_t k = 0;
    for (; k + AG_LANES <= count; k += AG_LANES) {
        AG_LOAD(v, values + k);
        v = (ag_doubles)((ag_masks)v & INT64_MAX);
        highs = AG_CHOOSE(v > highs, v, highs);
    }
    double lanes[AG_LANES];
    memcpy(lanes, &highs, sizeof lanes);
    double rest = largest(lanes);
    for (; k < count; k++) {
        double magnitude = fabs(values[k]);
        rest = magnitude > rest ? magnitude : rest;
    }
    return rest;
}

AG_CLONES int32_t ag_complete_returns(const double *cumulative, size_t days, size_t from, double *returns) {
    int64_t missing = 0;
    for (size_t t = 0; t < days; t++) missing |= -(int64_t)(cumulative[t] != cumulative[t]);
    if (missing) return 0;
    for (size_t t = from; t < days; t++) returns[t - from] = cumulative[t] - cumulative[t - 1];
    return 1;
}

AG_CLONES void ag_survey_returns(
    double *returns, size_t days, size_t depth, double tolerance, uint64_t *bits, ag_survey *survey) {
    for (size_t t = days; t < depth; t++) returns[t] = NAN;
    memset(survey, 0, sizeof *survey);
    memset(bits, 0, (depth + 63) / 64 * sizeof *bits);
    ag_doubles lows = {0}, highs = {0}, v;
    lows += INFINITY;
    highs -= INFINITY;
    ag_masks word = {0};
    const ag_masks weights = {1, 2, 4, 8, 16, 32, 64, 128};
    size_t n = 0;
    for (size_t t = 0; t < depth; t += AG_LANES) {
        AG_LOAD(v, returns + t);
        ag_masks present = PRESENT(v);
        lows = AG_CHOOSE(v < lows, v, lows);
        highs = AG_CHOOSE(v > highs, v, highs);
        word |= (present & weights) << (int64_t)(t % 64);
        if (t % 64 != 64 - AG_LANES && t + AG_LANES < depth) continue;
        for (size_t l = 0; l < AG_LANES; l++) bits[t / 64] |= (uint64_t)word[l];
        n += (size_t)__builtin_popcountll(bits[t / 64]);
        word = (ag_masks){0};
    }
    double lanes[AG_LANES];
    memcpy(lanes, &highs, sizeof lanes);
    const double high = largest(lanes);
    lows = -lows;
    memcpy(lanes, &lows, sizeof lanes);
    const double low = -largest(lanes);
    if (n < 2 || high - low <= tolerance) {
        // Constant as a whole is constant on every overlap: no pair of this series is defined.
        memset(bits, 0, (depth + 63) / 64 * sizeof *bits);
        return;
    }
    survey->count = (uint32_t)n;
    survey->low = low;
    survey->high = high;
}

// Returns that the centre is the median of, evenly spread over the series: their median is within a quarter of a
// standard deviation of the series' own, and as hard to move by a few ticks.
enum { CENTRE_SAMPLE = 127 };

void ag_centre_series(const double *returns, const uint64_t *bits, size_t words, double tolerance, ag_survey *survey) {
    double sample[CENTRE_SAMPLE], scratch[CENTRE_SAMPLE];
    const size_t n = survey->count, taken = n < CENTRE_SAMPLE ? n : CENTRE_SAMPLE;
    size_t passed = 0, next = 0;
    for (size_t w = 0; w < words && next < taken; w++) {
        uint64_t left = bits[w];
        const size_t until = passed + (size_t)__builtin_popcountll(left);
        for (; next < taken; next++) {
            // The middle one of each of `taken` equal parts.
            const size_t wanted = (2 * next + 1) * n / (2 * taken);
            if (wanted >= until) break;
            for (; passed < wanted; passed++) left &= left - 1;
            sample[next] = returns[w * 64 + (size_t)__builtin_ctzll(left)];
        }
        passed = until;
    }
    const double centre = ag_select_f64(sample, taken, (taken - 1) / 2, scratch);
    const double above = survey->high - centre, below = centre - survey->low;
    survey->centre = centre;
    survey->scale = ag_scale_for(above > below ? above : below);
    const double scaled = tolerance * survey->scale;
    survey->constancy = scaled * scaled / 4;
}

AG_CLONES void ag_fill_centred(
    const double *returns, size_t depth, const ag_survey *survey, int32_t is_float, double *x, double *sum,
    double *squares) {
    ag_doubles total = {0}, total_squares = {0}, none = {0}, v;
    const double centre = survey->centre, scale = survey->scale;
    for (size_t word = 0; word < depth; word += 64) {
        const size_t end = word + 64 < depth ? word + 64 : depth;
        ag_doubles of_word = {0}, of_word_squares = {0};
        for (size_t t = word; t < end; t += AG_LANES) {
            AG_LOAD(v, returns + t);
            v = AG_CHOOSE(PRESENT(v), (v - centre) * scale, none);
            if (is_float) v = __builtin_convertvector(__builtin_convertvector(v, ag_floats), ag_doubles);
            of_word += v;
            of_word_squares += v * v;
            memcpy(x + t, &v, sizeof v);
        }
        total += of_word;
        total_squares += of_word_squares;
    }
    *sum = AG_ADD_LANES(total);
    *squares = AG_ADD_LANES(total_squares);
}

AG_CLONES void ag_fill_standard(
    const double *returns, const uint64_t *bits, size_t depth, const ag_survey *survey, double *scratch, double *z) {
    size_t n = 0;
    for (size_t w = 0; w < (depth + 63) / 64; w++) {
        uint64_t left = bits[w];
        if (left == ~UINT64_C(0)) {
            memcpy(scratch + n, returns + w * 64, 64 * sizeof(double));
            n += 64;
        } else for (; left; left &= left - 1) scratch[n++] = returns[w * 64 + (size_t)__builtin_ctzll(left)];
    }
    ag_centre(scratch, n, ag_scale_for(fmax(fabs(survey->low), fabs(survey->high))));
    const double factor = 1 / sqrt(ag_dot(scratch, scratch, ag_padded(n)));
    n = 0;
    for (size_t w = 0; w < (depth + 63) / 64; w++) {
        uint64_t left = bits[w];
        if (left == ~UINT64_C(0)) {
            for (size_t k = 0; k < 64; k++) z[w * 64 + k] = scratch[n + k] * factor;
            n += 64;
            continue;
        }
        const size_t end = w * 64 + 64 < depth ? 64 : depth - w * 64;
        for (size_t k = 0; k < end; k++) z[w * 64 + k] = left >> k & 1 ? scratch[n++] * factor : 0;
    }
}

// --- from rows to strips ---

// Macros, since passing such vectors to a function is an ABI question even where it is inlined.
#define STORE_F64(to, v) memcpy((to), &(v), sizeof(v))
#define STORE_F32(to, v)                                                                                               \
    do {                                                                                                               \
        ag_floats narrow_ = __builtin_convertvector((v), ag_floats);                                                   \
        memcpy((to), &narrow_, sizeof narrow_);                                                                        \
    } while (0)

#define FILL_STRIP(NAME, TYPE, STORE)                                                                                  \
    AG_CLONES void NAME(const double *rows, size_t depth, TYPE *strip) {                                               \
        for (size_t t = 0; t < depth; t += AG_LANES)                                                                   \
            for (size_t half = 0; half < AG_STRIP; half += AG_LANES) {                                                 \
                ag_doubles r[AG_LANES];                                                                                \
                for (size_t l = 0; l < AG_LANES; l++) AG_LOAD(r[l], rows + (half + l) * depth + t);                    \
                AG_TRANSPOSE(r);                                                                                       \
                for (size_t l = 0; l < AG_LANES; l++) STORE(strip + (t + l) * AG_STRIP + half, r[l]);                  \
            }                                                                                                          \
    }

FILL_STRIP(ag_fill_strip_f64, double, STORE_F64)
FILL_STRIP(ag_fill_strip_f32, float, STORE_F32)

int32_t ag_survey_presence(
    const double *cumulative, size_t days, size_t from, uint64_t *presence, int32_t *first, int32_t *last) {
    *first = (int32_t)days;
    *last = -1;
    int32_t count = 0;
    for (size_t t = 0; t < days; t++) {
        if (cumulative[t] != cumulative[t]) continue;
        if (count++ == 0) *first = (int32_t)t;
        *last = (int32_t)t;
        if (t >= from) presence[(t - from) / 64] |= UINT64_C(1) << ((t - from) % 64);
    }
    return count > 0 && count != *last - *first + 1;
}
