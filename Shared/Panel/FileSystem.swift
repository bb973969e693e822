import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The system calls of this module: each retries EINTR and turns errno into a sentence that names the file.
package enum FileSystem {
    /// What stands for standard input where a file is to be read.
    package static let standardInput = "-"

    /// A path as the user typed it, safe to repeat: how messages about a file's content name it. Never cut short, since
    /// what tells two files apart is often the end.
    package static func name(_ path: String) -> String {
        if path == standardInput { return "standard input" }
        var scalars = String.UnicodeScalarView()
        for scalar in path.unicodeScalars {
            scalars.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "?" : scalar)
        }
        return String(scalars)
    }

    /// The bytes of a file, or of standard input for `-`: mapped when it is a regular one, read to its end when it is a pipe
    /// or a device.
    ///
    /// Others may replace a mapped file by renaming, but must not cut it short while it is in use.
    package static func contents(of path: String) throws(GridError) -> Payload {
        let descriptor = try open(path == standardInput ? "/dev/stdin" : path, O_RDONLY)
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw failure("cannot be read", path) }
        switch info.st_mode & S_IFMT {
        case S_IFDIR: throw GridError(.usage, "\(name(path)) is a directory: expected a file")
        case S_IFREG: return try map(descriptor, count: Int(info.st_size), path)
        default: return try readToEnd(descriptor, path)
        }
    }

    private static let hugePageBytes = 2 << 20

    /// Zeroed memory, page-aligned, which the kernel provides where it is touched.
    static func allocate(bytes count: Int, for purpose: String) throws(GridError) -> Payload {
        #if canImport(Glibc)
        let flags = MAP_PRIVATE | Int32(MAP_ANONYMOUS)
        #else
        let flags = MAP_PRIVATE | MAP_ANON
        #endif
        let size = max(count, 1)
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            throw GridError(.failed, "not enough memory: \(purpose) needs \(count >> 20) MiB")
        }
        #if os(Linux)
        // One page fault for 2 MiB instead of 512, where the kernel has such pages.
        _ = madvise(memory, size / hugePageBytes * hugePageBytes, MADV_HUGEPAGE)
        #endif
        return adopt(memory, count: count, mapped: size)
    }

    private static func map(_ descriptor: Int32, count: Int, _ path: String) throws(GridError) -> Payload {
        guard count > 0 else { return Payload(copying: []) }
        guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
            throw failure("cannot be mapped", path)
        }
        return adopt(memory, count: count, mapped: count)
    }

    private static func adopt(_ memory: UnsafeMutableRawPointer, count: Int, mapped: Int) -> Payload {
        // The address crosses into the closure as a number because it has exactly one owner: the payload.
        let address = UInt(bitPattern: memory)
        return Payload(adopting: UnsafeRawBufferPointer(start: memory, count: count)) {
            munmap(UnsafeMutableRawPointer(bitPattern: address), mapped)
        }
    }

    private static func readToEnd(_ descriptor: Int32, _ path: String) throws(GridError) -> Payload {
        var buffer = GrowingBuffer()
        while true {
            try buffer.reserve(1 << 20, for: "reading \(path)")
            let room = buffer.room
            let count = retrying { read(descriptor, room.baseAddress, room.count) }
            guard count >= 0 else { throw failure("cannot be read", path) }
            if count == 0 { return buffer.finish() }
            buffer.commit(count)
            guard buffer.count <= Limits.inflatedBytesMax else {
                throw GridError(.usage, "\(path) has more than \(Limits.inflatedBytesMax >> 30) GiB")
            }
        }
    }

    /// - Parameter name: the file as the user named it, where that differs.
    package static func open(_ path: String, _ flags: Int32, reportedAs name: String? = nil) throws(GridError) -> Int32 {
        // A C string ends at the first NUL: without this another file than the one named would be opened.
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw GridError(.usage, "'\(path.printable)' is not a file name")
        }
        #if canImport(Glibc)
        let descriptor = retrying { Int(Glibc.open(path, flags | O_CLOEXEC, mode_t(0o666))) }
        #else
        let descriptor = retrying { Int(Darwin.open(path, flags | O_CLOEXEC, mode_t(0o666))) }
        #endif
        guard descriptor >= 0 else { throw failure("cannot be opened", name ?? path) }
        return Int32(descriptor)
    }

    /// Writes all bytes; at an offset of the file or, without one, where the last write ended.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil, path: String
    ) throws(GridError) {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = retrying {
                if let offset { return pwrite(descriptor, part.baseAddress, part.count, off_t(offset + done)) }
                #if canImport(Glibc)
                return Glibc.write(descriptor, part.baseAddress, part.count)
                #else
                return Darwin.write(descriptor, part.baseAddress, part.count)
                #endif
            }
            guard count > 0 else { throw failure("cannot be written", path) }
            done += count
        }
    }

    /// The error of the call that just failed; a file that is not there is `notFound`.
    static func failure(_ what: String, _ path: String) -> GridError {
        let code = errno
        let isMissing = code == ENOENT || code == ENOTDIR
        return GridError(isMissing ? .notFound : .failed, "\(name(path)) \(what): \(String(cString: strerror(code)))")
    }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }
}

/// What `stat` says of a file, as far as programs look at it. Asked here, since where many modules are imported the compiler may
/// not know whose `stat` is meant.
package struct FileFacts: Sendable {
    package var isFolder: Bool
    package var owner: UInt32
    /// Whether the group or others may write to it.
    package var othersMayWrite: Bool
    package var bytes: Int

    /// nil where there is none or it may not be looked at; `errno` says why. Links are followed.
    package init?(of path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        isFolder = info.st_mode & S_IFMT == S_IFDIR
        owner = info.st_uid
        othersMayWrite = info.st_mode & (S_IWGRP | S_IWOTH) != 0
        bytes = Int(info.st_size)
    }
}
