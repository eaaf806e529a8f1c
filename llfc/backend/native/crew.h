#ifndef LAYERWISE_CREW_H
#define LAYERWISE_CREW_H

#include "abi.h"
#include "conv.h"

// lw_pool is a crew of the caller and the threads of XLA's own pool, for the length of one call.
typedef struct {
    lw_crew crew;
    const ffi_api *api;
    ffi_context *context;
} lw_pool;

void lw_open_pool(lw_pool *pool, const ffi_call *call);

#endif
