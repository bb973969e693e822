// Debian keeps cblas.h in an alternatives folder; pkg-config supplies its path.
#include <cblas.h>
// cblas.h pulls in <complex.h>, whose macro `I` would shadow every generic parameter named I.
#undef I
