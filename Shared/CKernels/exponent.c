#include "alpha_features.h"

#include <math.h>

double ag_log2(double x) {
    int exponent;
    double m = frexp(x, &exponent);
    if (m < M_SQRT1_2) {
        m *= 2;
        exponent -= 1;
    }
    // log m = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172 here.
    const double s = (m - 1) / (m + 1), square = s * s;
    double sum = 0;
    for (int k = 25; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
    return (double)exponent + 2 * s * sum * M_LOG2E;
}

double ag_exp2(double x) {
    if (!(fabs(x) < 1100)) return x < 0 ? 0 : x > 0 ? INFINITY : NAN;
    const double whole = nearbyint(x), y = (x - whole) * M_LN2;
    double sum = 1;
    for (int k = 18; k >= 1; k--) sum = 1 + sum * y / k;
    return ldexp(sum, (int)whole);
}
