#include "clones.h"
#include "strip.h"

#include <math.h>

#define STORE(field, vector) memcpy((field), &(vector), sizeof(vector))

AG_CLONES void ag_walk_days(const ag_strip *strip, const double *per_scale, ag_walk *w) {
    const ag_doubles none = {0}, one = none + 1;
    ag_doubles low = none + INFINITY, high = none - INFINITY, losses_squared = none, gains = none;
    ag_doubles line = none, peak = none, drawdown = none;
    ag_doubles line_low = low, line_high = high, line_sum = none;
    ag_doubles wealth = one, wealth_peak = one, wealth_low = one, wealth_drawdown = none;
    ag_doubles gain_run = none, gain_longest = none, loss_run = none, loss_longest = none;
    ag_doubles v, unscale;
    AG_LOAD(unscale, per_scale);
    for (size_t k = 0; k < strip->depth; k++) {
        AG_LOAD(v, strip->x + k * AG_LANES);
        const ag_masks present = v == v, gain = v > 0, loss = v < 0;
        low = AG_LESSER(v, low);
        high = AG_GREATER(v, high);
        const ag_doubles lost = AG_CHOOSE(loss, v, none);
        losses_squared += lost * lost;
        gains += AG_CHOOSE(gain, one, none);
        gain_run = AG_CHOOSE(gain, gain_run + 1, none);
        loss_run = AG_CHOOSE(loss, loss_run + 1, none);
        gain_longest = AG_GREATER(gain_run, gain_longest);
        loss_longest = AG_GREATER(loss_run, loss_longest);
        const ag_doubles known = AG_CHOOSE(present, v, none);
        line += known;
        peak = AG_GREATER(line, peak);
        drawdown = AG_LESSER(line - peak, drawdown);
        line_sum += AG_CHOOSE(present, line, none);
        line_low = AG_CHOOSE(present & (line < line_low), line, line_low);
        line_high = AG_CHOOSE(present & (line > line_high), line, line_high);
        wealth *= one + known * unscale;
        wealth_peak = AG_GREATER(wealth, wealth_peak);
        wealth_low = AG_LESSER(wealth, wealth_low);
        const ag_doubles share = (wealth - wealth_peak) / wealth_peak;
        wealth_drawdown = AG_LESSER(share, wealth_drawdown);
    }
    STORE(w->low, low);
    STORE(w->high, high);
    STORE(w->sum, line);
    STORE(w->losses_squared, losses_squared);
    STORE(w->gains, gains);
    STORE(w->gain_run, gain_longest);
    STORE(w->loss_run, loss_longest);
    STORE(w->drawdown, drawdown);
    STORE(w->wealth, wealth);
    STORE(w->wealth_low, wealth_low);
    STORE(w->wealth_drawdown, wealth_drawdown);
    STORE(w->line_low, line_low);
    STORE(w->line_high, line_high);
    STORE(w->line_sum, line_sum);
}

AG_CLONES void ag_sum_powers(const ag_strip *strip, const double *mean, const double *line_mean, ag_powers *p) {
    const ag_doubles none = {0};
    ag_doubles first = none, second = none, third = none, fourth = none, squares = none, with_time = none, line = none;
    ag_doubles v, centre, level, n;
    AG_LOAD(centre, mean);
    AG_LOAD(level, line_mean);
    AG_LOAD(n, strip->n);
    const ag_doubles middle = (n - 1) / 2;
    for (size_t k = 0; k < strip->depth; k++) {
        AG_LOAD(v, strip->x + k * AG_LANES);
        const ag_masks present = v == v;
        const ag_doubles off = AG_CHOOSE(present, v - centre, none), square = off * off;
        first += off;
        second += square;
        third += square * off;
        fourth += square * square;
        line += v;
        const ag_doubles rise = AG_CHOOSE(present, line - level, none);
        squares += rise * rise;
        with_time += rise * ((double)k - middle);
    }
    STORE(p->first, first);
    STORE(p->second, second);
    STORE(p->third, third);
    STORE(p->fourth, fourth);
    STORE(p->line_squares, squares);
    STORE(p->line_time, with_time);
}
