// Debian keeps cblas.h in an alternatives folder; pkg-config supplies its path.
#include <cblas.h>
// cblas.h pulls in <complex.h>, whose macro `I` would shadow every generic parameter named I.
#undef I

// Debian's OpenBLAS contains LAPACK, but <lapacke.h> comes with another package: the one routine that is used.
// Arguments as in LAPACK's reference (Fortran: all by address, column-major); the lengths of the strings come last.
void dsyevr_(
    const char *jobz, const char *range, const char *uplo, const blasint *n, double *a, const blasint *lda, const double *vl,
    const double *vu, const blasint *il, const blasint *iu, const double *abstol, blasint *m, double *w, double *z,
    const blasint *ldz, blasint *isuppz, double *work, const blasint *lwork, blasint *iwork, const blasint *liwork,
    blasint *info, unsigned long jobz_length, unsigned long range_length, unsigned long uplo_length);

// Ends the threads that OpenBLAS starts when it is loaded. No header declares it, and builds without threads do not have it.
extern int blas_thread_shutdown_(void) __attribute__((weak));
static inline void ag_end_blas_threads(void) {
    if (blas_thread_shutdown_) blas_thread_shutdown_();
}
