// Debian puts libpq-fe.h below /usr/include/postgresql; pkg-config supplies the path.
#include <libpq-fe.h>
