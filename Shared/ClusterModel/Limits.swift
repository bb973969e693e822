/// Every bound of the system in one place; units come last in the names.
package enum Limits {
    // Panel
    package static let alphasMax = 1_048_576
    package static let daysMax = 20_000
    package static let blockEdgeMax = 2_048
    package static let alphaIDBytesMax = 50
    /// Larger cumulative values would overflow when squared or subtracted.
    package static let valueMagnitudeMax = 1e150
    package static let csvLineBytesMax = 64 << 20
    package static let errorsReportedMax = 20

    // Wire
    package static let protocolVersion: UInt32 = 1
    package static let protocolVersionMin: UInt32 = 1
    package static let headerBytesMax = 64 << 10
    package static let payloadBytesMax = 256 << 20
    package static let blockChunkBytesMax = 4 << 20
    package static let framesPerMessageMax = 4
    package static let socketHighWaterMark: Int32 = 4_096

    // Scheduling
    package static let workersMax = 20_000
    package static let peersUnknownMax = 4_096
    package static let jobsActiveMax = 1_000
    package static let jobsRememberedMax = 1_000
    package static let tasksPerStageMax = 16_000_000
    package static let blocksPerTaskMax = 64
    package static let creditPerWorkerMax = 1_024
    package static let distinctWorkersFailedMax = 3
    package static let taskStoryEventsMax = 32
    package static let heartbeatIntervalMilliseconds: Int64 = 1_000
    package static let workerLostAfterMilliseconds: Int64 = 10_000
    package static let resultResendMilliseconds: Int64 = 3_000

    // Service
    package static let httpBodyBytesMax = 1 << 20
    package static let commandQueueMax = 1_024
    package static let mergeQueueMax = 4_096
}
