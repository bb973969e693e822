import ClusterModel
import Foundation
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Surveys in a file, so that only the first start on a machine has to try core types. Nothing depends on the file: one
/// that cannot be read, is not ours or cannot be written costs the trials at every start, and that is all.
struct CoreTypeMemory {
    /// What a survey holds for. A home folder may be shared by hosts of many kinds.
    struct Key: Codable, Equatable {
        var processor: String
        var candidates: [String]
        var blasVersion: String
        var epilogueVersion: Int
    }

    private struct Entry: Codable {
        var key: Key
        var survey: CoreTypeSurvey
    }

    private static let entriesMax = 64
    private static let bytesMax = 1 << 20
    /// How long another process's trials are waited for before this one makes its own.
    private static let lockWaitMilliseconds = 15_000

    let path: String

    /// `alphagrid/core-types.json` in `$XDG_CACHE_HOME`, or in `.cache` of the home folder; nil when there is neither.
    init?(environment: (String) -> String?) {
        if let folder = environment("XDG_CACHE_HOME"), folder.hasPrefix("/") {
            path = "\(folder)/alphagrid/core-types.json"
        } else if let home = environment("HOME"), home.hasPrefix("/") {
            path = "\(home)/.cache/alphagrid/core-types.json"
        } else {
            return nil
        }
    }

    init(path: String) { self.path = path }

    func survey(for key: Key) -> CoreTypeSurvey? {
        guard let found = entries().first(where: { $0.key == key })?.survey, found.isPlausible(for: key.candidates)
        else { return nil }
        return found
    }

    /// - Returns: whether the next start will find it.
    @discardableResult
    func remember(_ survey: CoreTypeSurvey, for key: Key) -> Bool {
        var kept = entries().filter { $0.key != key }
        kept.append(Entry(key: key, survey: survey))
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard makeFolder(), let data = try? encoder.encode(Array(kept.suffix(Self.entriesMax))),
            let file = try? AtomicFile(path: path), (try? file.write(Array(data))) != nil, (try? file.commit()) != nil
        else { return false }
        return true
    }

    /// Runs the body while no other process that could write the same file does: programs are often started several at
    /// once, and trials that run at the same time disturb each other.
    func exclusively<Result>(_ body: () -> Result) -> Result {
        guard makeFolder() else { return body() }
        let descriptor = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return body() }
        // The lock goes with the descriptor, however this process ends.
        defer { close(descriptor) }
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(Self.lockWaitMilliseconds)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR, clock.now < end {
            usleep(20_000)
        }
        return body()
    }

    private func entries() -> [Entry] {
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size <= Self.bytesMax,
            let bytes = try? FileSystem.contents(of: path)
        else { return [] }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try? decoder.decode([Entry].self, from: bytes.withUnsafeBytes { Data($0) })) ?? []
    }

    /// Makes the cache folder and ours in it, but no home folder: a user without one is not to get one.
    private func makeFolder() -> Bool {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        mkdir(folder.deletingLastPathComponent().path, 0o700)
        return mkdir(folder.path, 0o700) == 0 || errno == EEXIST
    }
}
