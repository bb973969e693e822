import ClusterModel
import Foundation

/// The JSON of the HTTP interface, for both of its ends: snake_case keys, sorted, absent values left out.
package enum GridJSON {
    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    /// The same for people: indented, and ending with a newline.
    package static func encodeForReading(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            PropertyKey(stringValue: propertyName(path.last?.stringValue ?? ""))
        }
        return try decoder.decode(type, from: data)
    }

    /// The Swift name behind a key. Foundation's own rule makes `jobId` of `job_id`, where the property is `jobID`.
    static func propertyName(_ key: String) -> String {
        let words = key.split(separator: "_")
        guard let first = words.first, words.count > 1 else { return key }
        return words.dropFirst().reduce(into: String(first)) { name, word in
            name += word == "id" ? "ID" : word.capitalized
        }
    }

    private struct PropertyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }
}

extension JobView {
    /// Without rates that are no numbers, which JSON cannot say.
    var finite: JobView {
        var view = self
        if view.tilesPerSecond?.isFinite == false { view.tilesPerSecond = nil }
        for path in [\JobView.etaSeconds, \.etaLowSeconds, \.etaHighSeconds, \.gigaflopsPerSecond, \.peakShare]
        where view[keyPath: path]?.isFinite == false { view[keyPath: path] = nil }
        return view
    }
}

extension WorkerView {
    /// Without rates that are no numbers: a worker says them about itself, and one bad one must not spoil the list.
    var finite: WorkerView {
        var view = self
        if !view.gigaflopsPerSecond.isFinite { view.gigaflopsPerSecond = 0 }
        if !view.heartbeatAgeSeconds.isFinite { view.heartbeatAgeSeconds = 0 }
        return view
    }
}

/// Answer of `GET /v1/jobs`, newest first unless asked otherwise.
package struct JobList: Codable, Hashable, Sendable {
    package var jobs: [JobView]
    /// Pass as `before` to get the next page; absent on the last one.
    package var nextBefore: JobID?
    /// The same as `offset`, where the jobs are sorted otherwise.
    package var nextOffset: Int?
    package init(jobs: [JobView], nextBefore: JobID?) {
        self.jobs = jobs
        self.nextBefore = nextBefore
    }
}

/// Answer of `GET /v1/workers`.
package struct WorkerList: Codable, Hashable, Sendable {
    package var workers: [WorkerView]
    /// Pass as `offset` to get the next page; absent on the last one.
    package var nextOffset: Int?
    package init(workers: [WorkerView], nextOffset: Int? = nil) {
        self.workers = workers
        self.nextOffset = nextOffset
    }
}

/// Answer of `GET /v1/regions`.
package struct RegionList: Codable, Hashable, Sendable {
    package var regions: [RegionView]
    package init(regions: [RegionView]) { self.regions = regions }
}
