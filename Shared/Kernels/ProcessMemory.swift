import CKernels

/// How this process deals with memory that it has freed.
package enum ProcessMemory {
    /// Keeps some of it for the next use. By default the C library gives memory back whenever a thread frees its last piece, and
    /// takes it page by page again for the next partial, which costs a slot several per cent of its time.
    ///
    /// Called once, before there are threads. At most 32 MiB per arena stay, of which there is about one per busy thread.
    package static func keepFreed() {
        ag_keep_freed(32 << 20)
    }
}
