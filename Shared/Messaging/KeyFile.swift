import ClusterModel
import Glibc

/// The key file of a worker: made by `alphagrid keys add`, read by `alphagrid-worker --key`.
package struct WorkerKey: Sendable {
    /// Whom the key was given to; the worker's id is this or begins with it.
    package let name: String
    package let pair: KeyPair
    /// Of the coordinator, which nobody else can pose as.
    package let coordinator: PublicKey

    package init(name: String, pair: KeyPair, coordinator: PublicKey) {
        self.name = name
        self.pair = pair
        self.coordinator = coordinator
    }

    /// - Throws: `.usage` when others may read the file or it is no key file, `.notFound` when there is none. Never says
    ///   anything of what the file holds.
    package init(reading path: String) throws(GridError) {
        let fields = try KeyFile.fields(["name", "public", "secret", "coordinator"], of: path, madeBy: "keys add")
        guard KeyFile.isName(fields[0]) else {
            throw GridError(.usage, "\(KeyFile.shown(path)): the name is not valid: \(KeyFile.nameRule)")
        }
        name = fields[0]
        pair = try KeyFile.pair(public: fields[1], secret: fields[2], of: path)
        coordinator = try PublicKey(parsing: fields[3], source: "\(KeyFile.shown(path)): the field coordinator")
    }

    /// The file's content.
    package var text: String {
        KeyFile.lines([
            "# Key of an AlphaGrid worker: whoever has it can join as this worker. Keep it to yourself (chmod 600).",
            "name \(name)", "public \(pair.publicKey)", "secret \(pair.secretText)", "coordinator \(coordinator)",
        ])
    }
}

/// How files with keys are read: lines of a field and its value, `#` begins a remark.
package enum KeyFile {
    private static let bytesMax = 4_096

    package static let nameRule = "expected 1 to \(Limits.keyNameBytesMax) letters, digits, dots, hyphens or underscores"

    package static func isName(_ text: String) -> Bool {
        (1...Limits.keyNameBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                let isLetter = (0x41...0x5A).contains(byte & 0xDF)
                return isLetter || (0x30...0x39).contains(byte) || [UInt8](".-_".utf8).contains(byte)
            }
    }

    /// The coordinator's own file.
    package static func text(of pair: KeyPair) -> String {
        lines([
            "# Key of an AlphaGrid coordinator: whoever has it can pose as this one. Keep it to yourself (chmod 600).",
            "public \(pair.publicKey)", "secret \(pair.secretText)",
        ])
    }

    fileprivate static func lines(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }

    package static func coordinatorPair(reading path: String) throws(GridError) -> KeyPair {
        let fields = try fields(["public", "secret"], of: path, madeBy: "keys init")
        return try pair(public: fields[0], secret: fields[1], of: path)
    }

    fileprivate static func pair(public publicText: String, secret: String, of path: String) throws(GridError) -> KeyPair {
        guard let key = Z85.decode(secret).flatMap({ SecretKey(bytes: $0) }) else {
            throw GridError(.usage, "\(shown(path)): the secret is no key: expected \(Z85.keyLength) characters of Z85")
        }
        let pair = try KeyPair(secret: key)
        guard pair.publicKey.text == publicText else {
            throw GridError(
                .usage, "\(shown(path)): public and secret key do not belong together: make a new one with 'alphagrid keys'")
        }
        return pair
    }

    /// The values of these fields, each of which has to be there once, and no other.
    fileprivate static func fields(_ names: [String], of path: String, madeBy command: String) throws(GridError) -> [String] {
        let text = try content(of: path, bytesMax: bytesMax, hint: "make one with 'alphagrid \(command)'")
        var values = [String?](repeating: nil, count: names.count)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 2, let place = names.firstIndex(of: String(words[0])), values[place] == nil else {
                throw GridError(
                    .usage, "\(shown(path)) is no key file: expected what 'alphagrid \(command)' has written, unchanged")
            }
            values[place] = String(words[1])
        }
        var found: [String] = []
        for (name, value) in zip(names, values) {
            guard let value else { throw GridError(.usage, "\(shown(path)) has no field \(name): expected a whole key file") }
            found.append(value)
        }
        return found
    }

    /// A path as it was typed, safe to repeat.
    static func shown(_ path: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in path.unicodeScalars {
            scalars.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "?" : scalar)
        }
        return String(scalars)
    }

    /// Whether nobody else can read a file: it is of mode 0600 or less; or root's, who gives it to a group, as systemd's
    /// credentials and Kubernetes' secrets are handed over.
    package static func isPrivate(mode: mode_t, owner: uid_t, reader: uid_t) -> Bool {
        mode & 0o077 == 0 || (owner == 0 && reader != 0 && mode & 0o037 == 0)
    }

    /// The text of a file that nobody but its owner may read.
    static func content(of path: String, bytesMax: Int, hint: String) throws(GridError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            let reason = String(cString: strerror(code))
            throw code == ENOENT
                ? GridError(.notFound, "key file \(shown(path)) is not there: \(hint)")
                : GridError(.failed, "cannot read key file \(shown(path)): \(reason)")
        }
        defer { close(descriptor) }
        // Asked of the open file: whatever the name stands for a moment later, this is what is read.
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw GridError(.usage, "key file \(shown(path)) is not a file")
        }
        guard isPrivate(mode: info.st_mode, owner: info.st_uid, reader: geteuid()) else {
            throw GridError(.usage, "key file \(shown(path)) can be read by others: run 'chmod 600 \(shown(path))'")
        }
        guard info.st_size <= bytesMax else {
            throw GridError(.usage, "key file \(shown(path)) has \(info.st_size) bytes: expected at most \(bytesMax)")
        }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes[count...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if more < 0 && errno == EINTR { continue }
            guard more >= 0 else {
                throw GridError(.failed, "cannot read key file \(shown(path)): \(String(cString: strerror(errno)))")
            }
            if more == 0 { break }
            count += more
        }
        guard count <= bytesMax else { throw GridError(.usage, "key file \(shown(path)) grows while it is read") }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
