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

    // Database
    package static let databaseConnectionsMax = 8
    package static let databaseConnectSeconds = 10
    /// For the short statements of a person or a page; bulk work has its own bound.
    package static let databaseStatementMilliseconds = 60_000
    package static let databaseBulkMilliseconds = 4 * 3_600_000
    package static let databaseLockMilliseconds = 15_000
    /// Bulk work and a takeover wait this long for another writer to finish.
    package static let databaseBulkLockMilliseconds = 600_000
    package static let databaseTransactionAttemptsMax = 5
    /// How long a commit whose connection broke is asked after before its outcome is called unknown.
    package static let databaseCommitDoubtSeconds = 20
    package static let panelReadersMax = 4
    package static let panelLoadsMax = 2
    package static let copyBufferBytes = 1 << 18
    package static let auditRowsMax = 100_000
    package static let poolsPerRegionMax = 1_000
    package static let poolNameBytesMax = 50
    package static let regionsMax = 200
    package static let metadataFileBytesMax = 1 << 30
    package static let metadataTextBytesMax = 1 << 20
    package static let jobsListedMax = 1_000
}
