// Compiles a function once per instruction set; the loader picks the best version this CPU can run.
#ifndef ALPHAGRID_CLONES_H
#define ALPHAGRID_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && !defined(AG_NO_CLONES)
#define AG_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
// Counting bits has an instruction of its own in newer AVX-512.
#define AG_CLONES_POPCOUNT __attribute__((target_clones("avx512vpopcntdq", "avx2", "default")))
#else
#define AG_CLONES
#define AG_CLONES_POPCOUNT
#endif

// A product and a sum are two roundings on every CPU, whatever flags a build may add.
#pragma STDC FP_CONTRACT OFF

// Helpers become part of each version of their caller.
#define AG_INLINE static inline __attribute__((always_inline))

#endif
