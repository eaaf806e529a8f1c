//go:build cgo && !noxla && linux && amd64

#define _GNU_SOURCE
#include "crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// Work is cut up by its shape only, and whoever is free takes the next part: which thread did what does not show in the result. XLA's threads
// are asked to help, and nobody waits for one to begin: the caller takes parts until there are none, then waits for those under way. An errand may
// reach a thread when all is done; so the task lives until the last of them has seen it.
typedef struct {
    int64_t n;
    lw_work *work;
    void *arg;
    atomic_int_fast64_t next, done;
    atomic_int users;
    pthread_mutex_t lock;
    pthread_cond_t finished;
} task;

static void leave(task *t) {
    if (atomic_fetch_sub(&t->users, 1) > 1) return;
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->finished);
    free(t);
}

static void take_parts(task *t) {
    for (int64_t i; (i = atomic_fetch_add(&t->next, 1)) < t->n;) {
        t->work(t->arg, i);
        if (atomic_fetch_add(&t->done, 1) + 1 < t->n) continue;
        pthread_mutex_lock(&t->lock);
        pthread_cond_broadcast(&t->finished);
        pthread_mutex_unlock(&t->lock);
    }
}

static void errand(void *data) {
    task *t = data;
    take_parts(t);
    leave(t);
}

static int processors(void) {
    static atomic_int known;
    int n = atomic_load(&known);
    if (n == 0) {
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
        atomic_store(&known, n);
    }
    return n;
}

enum { SPINS = 2000 }; // a few microseconds: less than it costs to sleep

static void share(const lw_crew *crew, int64_t n, lw_work *work, void *arg) {
    const lw_pool *pool = crew->with;
    int helpers = processors() < n ? processors() - 1 : (int)n - 1;
    task *t = helpers > 0 ? malloc(sizeof *t) : NULL;
    if (!t) {
        lw_alone(crew, n, work, arg);
        return;
    }
    t->n = n, t->work = work, t->arg = arg;
    atomic_init(&t->next, 0), atomic_init(&t->done, 0), atomic_init(&t->users, 1 + helpers);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->finished, NULL);
    for (int i = 0; i < helpers; i++) {
        ffi_schedule s = {.size = sizeof s, .context = pool->context, .task = errand, .data = t};
        ffi_error *e = pool->api->schedule(&s);
        if (!e) continue;
        ffi_error_destroy d = {.size = sizeof d, .error = e}; // no pool: the caller does it all
        pool->api->destroy_error(&d);
        leave(t);
    }
    take_parts(t);
    for (int i = 0; i < SPINS && atomic_load(&t->done) < n; i++) __builtin_ia32_pause();
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->done) < n) pthread_cond_wait(&t->finished, &t->lock);
    pthread_mutex_unlock(&t->lock);
    leave(t);
}

void lw_open_pool(lw_pool *pool, const ffi_call *call) {
    pool->crew = (lw_crew){share, pool};
    pool->api = call->api, pool->context = call->context;
}
