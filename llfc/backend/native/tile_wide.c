//go:build cgo && !noxla && linux && amd64

#define LANES 16
#define ROWS 8
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_wide
#include "tile.h"
