#include <zmq.h>
// zmq_errno() is a function, but its values are macros on some systems: this keeps <errno.h> visible.
#include <errno.h>
// Every libzmq from 4.3 on has this option, but its name is hidden among the drafts: without an answer about its key
// nobody gets in.
enum { ALPHAGRID_ZAP_ENFORCE_DOMAIN = 93 };
// Swift's Glibc module leaves eventfd out; the threads that own sockets are woken by one.
#include <sys/eventfd.h>
// Threads get names that top and debuggers show; pthread_setname_np hides behind _GNU_SOURCE, which a module cannot set.
#include <sys/prctl.h>
static inline void alphagrid_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
