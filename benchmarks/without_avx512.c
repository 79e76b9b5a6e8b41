/* Hides AVX-512, AVX-VNNI and AMX from a program, to measure on such a machine as a plainer one would.

   gcc -O2 -shared -fPIC -o /tmp/without_avx512.so benchmarks/without_avx512.c
   LD_PRELOAD=/tmp/without_avx512.so python benchmarks/main_job.py

   Linux on an Intel CPU with the flag cpuid_fault: the instruction CPUID is made to trap, and the answer is
   given with those bits cleared. All libraries that ask the CPU (onnxruntime, ctranslate2, numpy, OpenBLAS,
   x264) believe it. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

static void allow(long allowed) {
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed)) {
        perror("without_avx512: this CPU cannot trap CPUID");
        _exit(2);
    }
}

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    unsigned char *at = (unsigned char *)r[REG_RIP];
    unsigned a, b, c, d, leaf = r[REG_RAX], sub = r[REG_RCX];
    if (at[0] != 0x0f || at[1] != 0xa2) { /* a real fault */
        signal(SIGSEGV, SIG_DFL);
        return;
    }
    allow(1);
    __cpuid_count(leaf, sub, a, b, c, d);
    allow(0);
    if (leaf == 7 && sub == 0) {
        b &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
        c &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
        d &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
    }
    if (leaf == 7 && sub == 1) a = b = c = d = 0; /* AVX-VNNI, AVX512-BF16, AVX-IFMA */
    r[REG_RAX] = a, r[REG_RBX] = b, r[REG_RCX] = c, r[REG_RDX] = d;
    r[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction how = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &how, NULL);
    allow(0);
}
