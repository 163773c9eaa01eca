// hyperscan FILE PATTERNS: the median speed of one scan of the file with all patterns, in MB/s. A peer for benches/run.
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5, MOST = 16384, LONGEST = 8192 };

static int count_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *count) {
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long *)count;
    return 0;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static char line[LONGEST];
    static const char *patterns[MOST];
    static unsigned ids[MOST], flags[MOST];
    unsigned n = 0;
    if (argc < 3) return 2;
    FILE *file = fopen(argv[2], "r");
    if (!file) return 2;
    while (n < MOST && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        // What Hyperscan cannot compile is left out: to its advantage.
        hs_database_t *one;
        hs_compile_error_t *error;
        if (*line && hs_compile(line, 0, HS_MODE_BLOCK, NULL, &one, &error) == HS_SUCCESS) {
            patterns[n] = strdup(line), ids[n] = n, n++;
            hs_free_database(one);
        }
    }
    hs_database_t *all;
    hs_compile_error_t *error;
    if (hs_compile_multi(patterns, flags, ids, n, HS_MODE_BLOCK, NULL, &all, &error) != HS_SUCCESS) return 1;
    hs_scratch_t *scratch = NULL;
    hs_alloc_scratch(all, &scratch);
    file = fopen(argv[1], "rb");
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    size_t size = ftell(file);
    rewind(file);
    char *bytes = malloc(size);
    size = fread(bytes, 1, size, file);
    double speeds[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        unsigned long matches = 0;
        double start = now();
        hs_scan(all, bytes, size, 0, scratch, count_match, &matches);
        speeds[i] = size / 1e6 / (now() - start);
    }
    qsort(speeds, ROUNDS, sizeof *speeds, compare);
    printf("%.1f\n", speeds[ROUNDS / 2]);
    return 0;
}
