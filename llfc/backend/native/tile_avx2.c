//go:build cgo && !noxla && linux && amd64

#define LANES 8
#define ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#include "tile.h"
