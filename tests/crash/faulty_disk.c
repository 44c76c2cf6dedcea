/* A disk that fails when it is told to; LD_PRELOAD.
 *
 * FAULT_FILE  end of the paths it is about, e.g. ".duckdb.wal"
 * FAULT_CALL  "write" (pwrite, write) or "sync" (fsync, fdatasync)
 * FAULT_FIRST, FAULT_LAST  which of these calls fail, counted from 1
 * FAULT_HOW   an errno, or "kill": the process ends there, in the middle of a write
 * FAULT_LOG   a file that gets one byte for every call that failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static int about(int fd, const char *call) {
    const char *wanted = getenv("FAULT_CALL"), *end = getenv("FAULT_FILE");
    char link[64], path[PATH_MAX];
    if (!wanted || !end || strcmp(wanted, call)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < (ssize_t)strlen(end)) return 0;
    path[size] = 0;
    return !strcmp(path + size - strlen(end), end);
}

/* 0: the call goes through; 1: it is the one that fails, errno is set; 2: the process must end. */
static int fails(int fd, const char *call) {
    if (!about(fd, call)) return 0;
    long at = atomic_fetch_add(&calls, 1) + 1;
    if (at < atol(getenv("FAULT_FIRST")) || at > atol(getenv("FAULT_LAST"))) return 0;
    int log = open(getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (real(log, "x", 1) != 1) abort();
    close(log);
    if (!strcmp(getenv("FAULT_HOW"), "kill")) return 2;
    errno = atoi(getenv("FAULT_HOW"));
    return 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    int how = fails(fd, "write");
    if (how == 2) {
        if (real(fd, bytes, size / 2, at) < 0) abort();
        kill(getpid(), SIGKILL);
    }
    return how ? -1 : real(fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

ssize_t write(int fd, const void *bytes, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    int how = fails(fd, "write");
    if (how == 2) {
        if (real(fd, bytes, size / 2) < 0) abort();
        kill(getpid(), SIGKILL);
    }
    return how ? -1 : real(fd, bytes, size);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    int how = fails(fd, "sync");
    if (how == 2) kill(getpid(), SIGKILL);
    return how ? -1 : real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    int how = fails(fd, "sync");
    if (how == 2) kill(getpid(), SIGKILL);
    return how ? -1 : real(fd);
}
