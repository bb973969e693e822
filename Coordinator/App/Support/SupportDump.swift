import API
import ClusterModel
import Foundation

/// Collects what a bug report needs. What cannot be had is named instead, so that a cluster in trouble gives a dump too.
struct SupportDump {
    private(set) var files: [(name: String, content: [UInt8])] = []
    private var notes: [String] = []
    private let redaction: Redaction

    /// Of one log file; the end says how it is now.
    private static let logFileBytesMax = 1 << 20
    private static let logFilesMax = 20

    init(redaction: Redaction) { self.redaction = redaction }

    mutating func add(_ name: String, _ text: String) {
        files.append((name, Array(redaction.clean(text).utf8)))
    }

    mutating func add(_ name: String, json value: some Encodable) {
        guard let data = try? GridJSON.encodeForReading(value) else { return note(name, "it cannot be written as JSON") }
        add(name, String(decoding: data, as: UTF8.self))
    }

    mutating func note(_ name: String, _ sentence: String) {
        notes.append("\(name) is missing: \(sentence)".singleLine)
    }

    /// Asks the coordinator for everything; goes on when some of it is refused, not when nobody answers.
    mutating func collect(from client: GridClient) async {
        var jobs: [JobView] = []
        do {
            add("status.json", json: try await client.status())
            let newest = Limits.supportJobsMax
            if let list = await kept("jobs.json", { try await StatusReport.jobs(of: client, newest: newest) }) {
                jobs = list
                add("jobs.json", json: JobList(jobs: list, nextBefore: nil))
            }
            if let workers = await kept("workers.json", { try await client.workers() }) {
                add("workers.json", json: WorkerList(workers: workers))
            }
            if let text = await kept("metrics.txt", { try await client.text("/metrics") }) { add("metrics.txt", text) }
            if let support = await kept("support.json", { try await client.support() }) {
                add("log.jsonl", support.logLines.joined(separator: "\n") + "\n")
                var facts = support
                facts.logLines = []
                add("support.json", json: facts)
            }
        } catch {
            note("status.json", "\(error)")
        }
        for job in StatusReport.unfinished(jobs).prefix(Limits.supportJobsExplainedMax) {
            let name = "explain-\(job.jobID).json"
            if let text = await kept(name, { try await client.text("/v1/jobs/\(job.jobID)/explain") }) { add(name, text) }
        }
    }

    private mutating func kept<Value>(_ name: String, _ body: () async throws -> Value) async -> Value? {
        do {
            return try await body()
        } catch {
            note(name, "\(error)")
            return nil
        }
    }

    /// The ends of the logs that `alphagrid up` keeps in its state folder.
    mutating func collectLogs(in folder: String) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".log") }
            .sorted()
        for name in names.prefix(Self.logFilesMax) {
            guard let file = FileHandle(forReadingAtPath: "\(folder)/\(name)") else {
                note("logs/\(name)", "it cannot be read")
                continue
            }
            defer { try? file.close() }
            let end = (try? file.seekToEnd()) ?? 0
            try? file.seek(toOffset: end > UInt64(Self.logFileBytesMax) ? end - UInt64(Self.logFileBytesMax) : 0)
            let data = (try? file.readToEnd()) ?? Data()
            add("logs/\(String(name.prefix(60)))", String(decoding: data, as: UTF8.self))
        }
    }

    /// The archive, with what is in it and what is not as its first file.
    func archive(at date: Date) -> [UInt8] {
        let time = date.formatted(Date.ISO8601FormatStyle())
        var about = ["AlphaGrid \(AlphaGrid.version), support dump of \(time)", "", "Files:"]
        about += files.map { "  \($0.name), \($0.content.count) bytes" }
        if !notes.isEmpty { about += ["", "Not here:"] + notes.map { "  \(redaction.clean($0))" } }
        let folder = "alphagrid-support"
        var tar = TarArchive(modified: Int64(date.timeIntervalSince1970))
        tar.add("\(folder)/README.txt", Array((about.joined(separator: "\n") + "\n").utf8))
        for file in files { tar.add("\(folder)/\(file.name)", file.content) }
        return tar.finished
    }

    var missing: [String] { notes }
}
