// The sums over samples and positions that batch norm needs, x [rows, channels]. They are added in float64.
#ifndef LAYERWISE_NORM_H
#define LAYERWISE_NORM_H

#include "conv.h"

// lw_moments is the mean of every channel, and the mean square of the distance from it. It returns 1 where there is no memory.
int lw_moments(const lw_crew *crew, int64_t rows, int64_t channels, const float *x, float *mean, float *variance);

// lw_norm_sums is Σ dy and Σ dy·(x − mean) of every channel. It returns 1 where there is no memory.
int lw_norm_sums(const lw_crew *crew, int64_t rows, int64_t channels, const float *dy, const float *x, const float *mean, float *sum, float *product);

#endif
