import ClusterModel
import Foundation
import Kernels
import WorkerRuntime

/// What `--describe` prints: everything a coordinator would learn from this worker's hello.
struct Description: Codable {
    var worker: String
    var host: String
    var version: String
    var protocolVersion: UInt32
    var slots: Int
    var credit: Int
    var memoryBytes: Int
    var blasVersion: String
    var coreType: String
    var profile: String
    /// Of one slot that has its core for itself, with the present profile.
    var peakFloat32GigaflopsPerSecond: Double?
    var peakFloat64GigaflopsPerSecond: Double?
    /// Everything that was measured on this CPU; the first is the present one.
    var coreTypes: [CoreTypeSpeed]

    init(_ settings: WorkerSettings) {
        worker = settings.worker.rawValue
        host = settings.host
        version = AlphaGrid.version
        protocolVersion = Limits.protocolVersion
        slots = settings.slots
        credit = settings.credit
        memoryBytes = settings.memoryBytes
        blasVersion = BLAS.profile.blasVersion
        coreType = BLAS.profile.coreType
        profile = BLAS.profile.description
        coreTypes = settings.coreTypes
        let present = coreTypes.first { $0.coreType == BLAS.profile.coreType }
        peakFloat32GigaflopsPerSecond = present?.float32GigaflopsPerSecond
        peakFloat64GigaflopsPerSecond = present?.float64GigaflopsPerSecond
    }

    func json() throws(GridError) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { throw GridError(.failed, "the description cannot be written") }
        return String(decoding: data, as: UTF8.self)
    }
}
