//go:build cgo && !noxla && linux && amd64

#define LANES 16
#define ROWS 8
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))
#define NAME(x) x##_avx512
#include "tile.h"
