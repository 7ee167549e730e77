/* The least that any observer of a process does: floor HZ PID TID ADDRESS SIZE.

   At each beat it reads SIZE bytes at ADDRESS three times from the memory of PID, and once what TID waits for. It
   judges, keeps and tells nothing. It ends when the process does, or by a signal. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int opened(const char *form, const char *pid, const char *tid)
{
    char path[64];
    snprintf(path, sizeof path, form, pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        perror(path);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "floor HZ PID TID ADDRESS SIZE\n");
        return 2;
    }
    static char told[4096];
    long period_ns = 1000000000L / atol(argv[1]);
    off_t address = strtoll(argv[4], NULL, 0);
    size_t size = strtoul(argv[5], NULL, 0);
    int memory = opened("/proc/%s/mem", argv[2], ""), call = opened("/proc/%s/task/%s/syscall", argv[2], argv[3]);
    if (memory < 0 || call < 0 || size > sizeof told)
        return 1;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (;;) {
        due.tv_nsec += period_ns;
        if (due.tv_nsec >= 1000000000L) {
            due.tv_nsec -= 1000000000L;
            due.tv_sec += 1;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        for (int read = 0; read < 3; read++)
            if (pread(memory, told, size, address) <= 0)
                return 0;
        if (pread(call, told, sizeof told, 0) < 0)
            return 0;
    }
}
