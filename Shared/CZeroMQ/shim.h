#include <zmq.h>
// zmq_errno() is a function, but its values are macros on some systems: this keeps <errno.h> visible.
#include <errno.h>
