//go:build cgo && !noxla && linux && amd64

#include <pthread.h>
#include <stdlib.h>

#include "conv.h"

// Free memory is kept: to ask the system for it again costs a page fault for every page, at every step of a training.
typedef struct block {
    size_t bytes;
    struct block *next;
    char room[4096 - 2 * sizeof(size_t)];
} block;

static block *idle;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *lw_take(size_t bytes) {
    block **best = NULL, *b;
    pthread_mutex_lock(&lock);
    for (block **at = &idle; *at; at = &(*at)->next)
        if ((*at)->bytes >= bytes && (!best || (*at)->bytes < (*best)->bytes)) best = at;
    if (!best && idle) { // none is large enough: the first one makes room
        b = idle;
        idle = b->next;
        free(b);
    }
    b = best ? *best : NULL;
    if (b) *best = b->next;
    pthread_mutex_unlock(&lock);
    if (!b) {
        bytes = (bytes + (1 << 16) - 1) >> 16 << 16;
        b = aligned_alloc(4096, sizeof(block) + bytes);
        if (!b) return NULL;
        b->bytes = bytes;
    }
    return b + 1;
}

void lw_give(void *memory) {
    if (!memory) return;
    block *b = (block *)memory - 1;
    pthread_mutex_lock(&lock);
    b->next = idle;
    idle = b;
    pthread_mutex_unlock(&lock);
}
