/* What the machine has: its cores and its cache.
 *
 * How many threads: as many as the environment or a call says, or as there are cores that this process may keep busy,
 * which are those it may run on, or fewer where its cgroup has a CPU quota.
 *
 * A container of two CPUs on a machine of 64 sees 64 cores. Were the team as large, the kernel would stop all of it
 * for the rest of each period once the quota is spent, so the quota counts as cores, rounded up. */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "internal.h"
#include "tuning.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
enum { LINE = 4096 }; /* longer lines are not about cgroups */

/* The next line without its end; 0 at the end of the file, -1 for a line that is too long. */
static int next_line(FILE *file, char *line) {
    if (!fgets(line, LINE, file)) return 0;
    size_t n = strcspn(line, "\n");
    const int whole = line[n] == '\n' || feof(file);
    line[n] = 0;
    for (int c = 0; !whole && c != '\n' && c != EOF;) c = fgetc(file);
    return whole ? 1 : -1;
}

/* The file root/a/b; NULL where there is none. */
static FILE *open_below(const char *root, const char *a, const char *b) {
    char path[3 * LINE];
    const int n = snprintf(path, sizeof path, "%s%s%s", root, a, b);
    return n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
}

/* Up to two numbers in a file; what is no number ("max") or missing is -1. */
static void two_numbers(const char *root, const char *folder, const char *name, double *a, double *b) {
    FILE *file = open_below(root, folder, name);
    if (!file) return;
    char line[LINE];
    if (next_line(file, line) == 1) sscanf(line, "%lf %lf", a, b);
    fclose(file);
}

/* Cores that the quota of one cgroup is worth; 0: it has none. */
static double quota_of(const char *root, const char *folder, int v2) {
    double quota = -1, period = -1, none;
    if (v2) two_numbers(root, folder, "/cpu.max", &quota, &period);
    else {
        two_numbers(root, folder, "/cpu.cfs_quota_us", &quota, &none);
        two_numbers(root, folder, "/cpu.cfs_period_us", &period, &none);
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* Whether `word` is one of the words that commas separate. */
static int has_word(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n])) return 1;
    return 0;
}

/* The cgroup of this process, below the hierarchy's root: a line of /proc/self/cgroup is id:controllers:path. */
static int find_group(const char *root, int v2, char *group) {
    FILE *file = open_below(root, "/proc/self/cgroup", "");
    char line[LINE];
    int found = 0, state;
    while (file && !found && (state = next_line(file, line))) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (state < 0 || !path) continue;
        *path++ = 0, controllers++;
        found = v2 ? !*controllers : has_word(controllers, "cpu");
        if (found) strcpy(group, path);
    }
    if (file) fclose(file);
    return found;
}

/* Mount points have blanks and the like as \ooo. */
static void unescape(char *text) {
    char *to = text;
    for (; *text; to++)
        if (text[0] == '\\' && text[1] && text[2] && text[3]) {
            *to = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else *to = *text++;
    *to = 0;
}

/* Where the hierarchy is mounted, and which cgroup its mount point shows. A line of /proc/self/mountinfo is
 * "36 35 98:0 /shown /mount/point options [more ...] - type source options of the file system". */
static int find_mount(const char *root, int v2, char *point, char *shown) {
    FILE *file = open_below(root, "/proc/self/mountinfo", "");
    char line[LINE], type[LINE], options[LINE];
    int found = 0, state;
    while (file && !found && (state = next_line(file, line))) {
        const char *rest = strstr(line, " - ");
        if (state < 0 || !rest) continue;
        if (sscanf(line, "%*s %*s %*s %s %s", shown, point) != 2) continue;
        if (sscanf(rest + 3, "%s %*s %s", type, options) != 2) continue;
        found = v2 ? !strcmp(type, "cgroup2") : !strcmp(type, "cgroup") && has_word(options, "cpu");
    }
    if (file) fclose(file);
    if (found) unescape(point), unescape(shown);
    return found;
}

/* The least quota of the process's cgroup and all above it that can be seen, in cores; 0: none. */
static double least_quota(const char *root, int v2) {
    char group[LINE], point[LINE], shown[LINE], folder[2 * LINE];
    if (!find_group(root, v2, group) || !find_mount(root, v2, point, shown)) return 0;
    /* In a container the mount may show the own cgroup alone, or one that the path does not begin with. */
    const size_t n = strcmp(shown, "/") ? strlen(shown) : 0;
    const int inside = !strncmp(group, shown, n) && (group[n] == '/' || !group[n]) && !strstr(group, "..");
    snprintf(folder, sizeof folder, "%s%s", point, inside ? group + n : "");
    double least = 0;
    for (;;) {
        const double quota = quota_of(root, folder, v2);
        if (quota > 0 && (least == 0 || quota < least)) least = quota;
        char *end = strrchr(folder, '/');
        if (strlen(folder) <= strlen(point) || !end) return least;
        *end = 0;
    }
}

#endif

int lc_usable_cores(const char *root) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) cores = CPU_COUNT(&set);
    for (int v2 = 0; v2 < 2; v2++) {
        const double quota = least_quota(root, v2);
        if (quota > 0 && quota < (double)cores) cores = (long)quota + (quota > (double)(long)quota);
    }
#else
    (void)root;
#endif
    return cores > 0 ? (int)cores : 1;
}

static int team_size; /* 0: not yet known */
static int crowded;

int lc_have_openmp(void) {
#if defined(LC_HAVE_OPENMP)
    return 1;
#else
    return 0;
#endif
}

static int at_most(long n) { return n < LC_MAX_THREADS ? (int)n : LC_MAX_THREADS; }

/* OpenMP's variable may be a list, the number first. */
static int default_without_wish(void) {
    const char *text = getenv("OMP_NUM_THREADS");
    const long n = text ? strtol(text, NULL, 10) : 0;
    return n > 0 ? at_most(n) : lc_usable_cores("");
}

/* A wish that is no number of threads is said once. Python never comes here with one: its import says it. */
static int default_threads(void) {
    static int said;
    const char *wish = getenv("LSTMCORE_NUM_THREADS");
    if (!wish || !*wish) return default_without_wish();
    char *end;
    const long n = strtol(wish, &end, 10);
    const int is_number = end != wish && !end[strspn(end, " ")];
    const int threads = is_number && n > 0 ? at_most(n) : default_without_wish();
    if (!(is_number && n == threads) && !__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        fprintf(stderr, "lstmcore: LSTMCORE_NUM_THREADS=%s is no number from 1 to %d; %d threads are used\n", wish,
                LC_MAX_THREADS, threads);
    return threads;
}

int lc_get_threads(void) {
    int n = __atomic_load_n(&team_size, __ATOMIC_RELAXED);
    if (!n) lc_set_threads(0);
    return n ? n : __atomic_load_n(&team_size, __ATOMIC_RELAXED);
}

void lc_set_threads(int n) {
    if (!lc_have_openmp()) n = 1;
    if (n <= 0) n = default_threads();
    n = at_most(n);
    __atomic_store_n(&crowded, n > 1 && n > lc_usable_cores(""), __ATOMIC_RELAXED);
    __atomic_store_n(&team_size, n, __ATOMIC_RELAXED);
}

int lc_oversubscribed(void) { return __atomic_load_n(&crowded, __ATOMIC_RELAXED); }

static _Thread_local int limit; /* of calls from this thread; 0: none */

int lc_limit_threads(int n) {
    const int was = limit;
    limit = n > 0 ? n : 0;
    return was;
}

int lc_most_threads(void) {
    const int team = lc_get_threads();
    return limit && limit < team ? limit : team;
}

int lc_worth_threads(int wanted, double flops) {
    const int most = lc_most_threads();
    if (wanted > 0) return wanted < most ? wanted : most;
    double n = flops / LC_THREAD_FLOPS;
    return n < 1 ? 1 : n < most ? (int)n : most;
}

/* Of one core's L2; 1 MiB where the system does not say. */
int64_t lc_cache_bytes(void) {
    static int64_t known;
    int64_t bytes = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (bytes) return bytes;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    if (bytes < (256 << 10)) bytes = 1 << 20;
    __atomic_store_n(&known, bytes, __ATOMIC_RELAXED);
    return bytes;
}
