#include "ckernels.h"
#include "clones.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

// Doubles as integers of the same order: negative numbers have all their bits flipped, others only the sign.
AG_INLINE uint64_t ordered(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits ^ ((bits >> 63) ? ~UINT64_C(0) : UINT64_C(1) << 63);
}

AG_INLINE double unordered(uint64_t key) {
    uint64_t bits = key ^ ((key >> 63) ? UINT64_C(1) << 63 : ~UINT64_C(0));
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

// Lower median of n >= 1 keys by radix selection: eight passes at most, whatever the data. Overwrites the keys.
static uint64_t median_key(uint64_t *keys, size_t n) {
    size_t wanted = (n - 1) / 2;
    for (int shift = 56; shift >= 0 && n > 1; shift -= 8) {
        size_t counts[256] = {0};
        for (size_t k = 0; k < n; k++) counts[(keys[k] >> shift) & 255]++;
        size_t digit = 0;
        while (wanted >= counts[digit]) wanted -= counts[digit++];
        size_t kept = 0;
        for (size_t k = 0; k < n; k++) {
            keys[kept] = keys[k];
            kept += ((keys[k] >> shift) & 255) == digit;
        }
        n = kept;
    }
    return keys[0];
}

void ag_survey_series(
    const double *returns, size_t days, size_t words, double tolerance, uint64_t *bits, double *scratch,
    ag_survey *survey) {
    memset(bits, 0, words * sizeof *bits);
    memset(survey, 0, sizeof *survey);
    uint64_t *keys = (uint64_t *)scratch;
    size_t n = 0;
    double low = INFINITY, high = -INFINITY;
    for (size_t t = 0; t < days; t++) {
        double value = returns[t];
        if (value != value) continue;
        bits[t / 64] |= UINT64_C(1) << (t % 64);
        keys[n++] = ordered(value);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (n < 2 || high - low <= tolerance) {
        // Constant as a whole is constant on every overlap: no pair of this series is defined.
        memset(bits, 0, words * sizeof *bits);
        return;
    }
    double centre = unordered(median_key(keys, n));
    double above = high - centre, below = centre - low;
    survey->count = (uint32_t)n;
    survey->centre = centre;
    survey->scale = ag_scale_for(above > below ? above : below);
    double scaled = tolerance * survey->scale;
    survey->constancy = scaled * scaled / 4;
}

#define FILL_PRODUCTS(NAME, TYPE)                                                                                      \
    void NAME(                                                                                                         \
        const double *returns, const uint64_t *bits, size_t words, const ag_survey *survey, TYPE *x, double *sum,      \
        double *squares) {                                                                                             \
        double total = 0, total_squares = 0;                                                                           \
        for (size_t w = 0; w < words; w++) {                                                                           \
            double of_word = 0, of_word_squares = 0;                                                                   \
            for (uint64_t left = bits[w]; left; left &= left - 1) {                                                    \
                size_t t = w * 64 + (size_t)__builtin_ctzll(left);                                                     \
                TYPE value = (TYPE)((returns[t] - survey->centre) * survey->scale);                                    \
                x[t] = value;                                                                                          \
                of_word += value;                                                                                      \
                of_word_squares += (double)value * (double)value;                                                      \
            }                                                                                                          \
            total += of_word;                                                                                          \
            total_squares += of_word_squares;                                                                          \
        }                                                                                                              \
        *sum = total;                                                                                                  \
        *squares = total_squares;                                                                                      \
    }

FILL_PRODUCTS(ag_fill_products_f64, double)
FILL_PRODUCTS(ag_fill_products_f32, float)

// Gathers the returns that count, centres them and returns 1 / sqrt(sum of squares); the series is not constant.
static double standardize(const double *returns, const uint64_t *bits, size_t days, double *gathered) {
    size_t n = 0;
    double largest = 0;
    for (size_t t = 0; t < days; t++) {
        if (!(bits[t / 64] >> (t % 64) & 1)) continue;
        double magnitude = fabs(returns[t]);
        largest = magnitude > largest ? magnitude : largest;
        gathered[n++] = returns[t];
    }
    ag_centre(gathered, n, ag_scale_for(largest));
    return 1 / sqrt(ag_dot(gathered, gathered, ag_padded(n)));
}

#define FILL_STANDARD(NAME, TYPE)                                                                                      \
    void NAME(const double *returns, const uint64_t *bits, size_t days, double *scratch, TYPE *z) {                    \
        double factor = standardize(returns, bits, days, scratch);                                                     \
        size_t n = 0;                                                                                                  \
        for (size_t t = 0; t < days; t++)                                                                              \
            if (bits[t / 64] >> (t % 64) & 1) z[t] = (TYPE)(scratch[n++] * factor);                                    \
    }

FILL_STANDARD(ag_fill_standard_f64, double)
FILL_STANDARD(ag_fill_standard_f32, float)

double ag_largest_magnitude(const double *values, size_t count) {
    double largest = 0;
    for (size_t k = 0; k < count; k++) {
        double magnitude = fabs(values[k]);
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

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
