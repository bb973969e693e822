/// Every bound of the system in one place; units come last in the names.
package enum Limits {
    // Panel
    package static let alphasMax = 1_048_576
    package static let daysMax = 20_000
    package static let blockEdgeMax = 2_048
    /// Days of each part of a block: about a year, so that one new day changes a small part of several years.
    package static let partDays = 256
    package static let alphaIDBytesMax = 50
    /// Larger cumulative values would overflow when squared or subtracted.
    package static let valueMagnitudeMax = 1e150
    package static let csvLineBytesMax = 64 << 20
    package static let errorsReportedMax = 20
    /// Alphas x dates of one panel: 64 GiB of float64.
    package static let panelValuesMax = 1 << 33
    /// Part-filled blocks a panel may collect from added alphas before it is laid out afresh; an eighth of large panels.
    package static let panelBlocksPartFilledMin = 4
    package static let inflatedBytesMax = 32 << 30
    /// Text of numbers grows 2 to 10 times; a file made to fill the memory a thousand times.
    package static let inflationRatioMax = 100

    // Wire
    /// 2: headers have a checksum; 3: tasks name the parts of their blocks; 4: a part is one message; 5: long results come in
    /// several frames. No other is spoken.
    package static let protocolVersion: UInt32 = 5
    package static let headerBytesMax = 64 << 10
    /// Seconds or operations that a worker counts: a thousand years of a thousand TFLOP/s.
    package static let wireQuantityMax = 1e26
    /// GFLOP/s that one slot may say it measured, and below which it has measured nothing.
    package static let slotGigaflopsMin = 1e-3
    package static let slotGigaflopsMax = 1e6
    package static let payloadBytesMax = 256 << 20
    /// Of one part of a block, which is sent as one message.
    package static let blockPartBytesMax = blockEdgeMax * partDays * 8
    /// A longer payload of a result travels in several frames: whoever is not let in can make a listening socket hold as much of
    /// what should have been a handshake.
    package static let frameBytesMax = 1 << 20
    package static let framesPerMessageMax = 1 + payloadBytesMax / frameBytesMax
    /// What encryption adds to a frame, and more.
    package static let frameOverheadBytesMax = 64
    /// ZMTP allows no longer ones.
    package static let routingIDBytesMax = 255
    /// Names on the wire (worker, host, version, task kind) are cut to this.
    package static let wireNameBytesMax = 200
    /// Sentences on the wire are cut to this.
    package static let wireSentenceBytesMax = 1_000
    package static let socketHighWaterMark: Int32 = 4_096

    // Keys
    package static let keyNameBytesMax = 64
    /// Workers' keys that a coordinator knows, revoked ones included.
    package static let keysMax = 20_000
    /// Revocations that the database knows, of all lists there ever were; of more the oldest go.
    package static let keyRevocationsMax = 100_000
    /// A list of keys that could not be read is read again after so long, and at once when it changes.
    package static let keysRetryMilliseconds: Int64 = 1_000
    /// Somebody who does not admit this program's key, or has none, is tried again after so long.
    package static let handshakeRetryMilliseconds: Int64 = 5_000
    /// Each attempt to connect has these bounds; libzmq tells of both.
    package static let connectMilliseconds: Int32 = 5_000
    package static let handshakeMilliseconds: Int32 = 5_000
    /// A socket that hears nothing of its attempt for longer than both, and the pause before it, is replaced. Only looking up the
    /// name can take longer: so the next socket has twice as long, up to a bound.
    package static let connectPatienceMilliseconds: Int64 = 13_000
    package static let connectPatienceFactorMax: Int64 = 32
    /// A revoked key is told so, and has so long to leave; then its connection is ended.
    package static let farewellMilliseconds: Int64 = 1_000
    /// Peers that were kept out are told of in the log at most once in so long.
    package static let refusalsLoggedMilliseconds: Int64 = 10_000

    // Scheduling
    package static let workersMax = 20_000
    package static let peersUnknownMax = 4_096
    package static let jobsActiveMax = 1_000
    package static let jobsRememberedMax = 1_000
    package static let tasksPerStageMax = 16_000_000
    package static let blocksPerTaskMax = 64
    package static let neighboursMax = 100
    package static let clustersMax = 1_000
    package static let componentsMax = 50
    package static let bootstrapMax = 1_000
    /// Alphas whose covariances a coordinator computes by itself.
    package static let riskParityMax = 2_000
    package static let edgesPerTaskMax = 1 << 20
    /// Pairs beyond its threshold that a job keeps; when there are more, it keeps none.
    package static let edgesMax = 4 << 20
    package static let creditPerWorkerMax = 1_024
    package static let distinctWorkersFailedMax = 3
    package static let numericProfilesMax = 64
    /// Core types of OpenBLAS that a worker tries and tells of.
    package static let coreTypesPerWorkerMax = 6
    /// Earlier processes of one worker name that a coordinator remembers to have been taken over.
    package static let takenOverProcessesMax = 4
    package static let taskFailuresMax = 6
    package static let taskLossesMax = 16
    package static let taskNotesMax = 65_536
    package static let taskStoryEventsMax = 32
    /// Share of the tasks that are computed twice, and tasks of a stage from which on one of them is at least.
    package static let verifiedShare = 0.005
    package static let verifiedStageTasksMin = 9
    package static let verificationsPerStageMax = 1_024
    package static let verificationsLookedAtMax = 16
    /// Workers that are asked about one task; when they are not of one mind by then, nobody is.
    package static let verificationAnswersMax = 5
    package static let heartbeatIntervalMilliseconds: Int64 = 1_000
    package static let workerLostAfterMilliseconds: Int64 = 10_000
    package static let workerForgottenAfterMilliseconds: Int64 = 600_000
    package static let resultResendMilliseconds: Int64 = 3_000
    package static let drainMilliseconds: Int64 = 30_000

    // Worker
    package static let slotsMax = 512
    /// Wrong products and changed payloads after which a worker leaves: once may be a cosmic ray.
    package static let damagesPerWorkerMax = 2
    package static let workerMemoryBytesMin = 64 << 20
    /// Parts of blocks that a worker has asked for at once, and their bytes.
    package static let blockPartsInFlightMax = 32
    package static let blockPartBytesInFlightMax = 32 << 20
    /// That nobody waits for yet; more hints are not listened to.
    package static let blocksWantedMax = 512
    package static let blockCommandsMax = 4_096
    /// A part is asked for again after so long without a word from the block server, five times at most.
    package static let blockRetryMilliseconds: Int64 = 5_000
    package static let blockTriesMax = 5
    /// A block is given up after so long without a word from the block server.
    package static let blockSilenceMilliseconds: Int64 = 30_000
    /// Workers whose blocks a worker fetches at once, and connections to such before all are made anew.
    package static let blockPeersMax = 32
    package static let blockPeersCalledMax = 128
    /// A worker that serves blocks is given up after so long without a word, and not asked again for a while.
    package static let blockPeerSilenceMilliseconds: Int64 = 3_000
    package static let blockPeerShunnedMilliseconds: Int64 = 60_000
    /// A worker that is slow without being silent is given up too.
    package static let blockPeerPatienceMilliseconds: Int64 = 15_000
    package static let blockPeersShunnedMax = 64

    // Who has which block
    package static let blocksTrackedMax = 65_536
    /// Of the workers that hold a block, the coordinator remembers so many.
    package static let blockHoldersMax = 16
    /// Workers that fetch a block from the same place at once; the others wait until one of these can serve them.
    package static let blockFetchersPerSourceMax = 2
    /// A worker that was sent for a block counts as fetching it for so long, unless it says that it has it.
    package static let blockGrantMilliseconds: Int64 = 3_000
    package static let blockGrantsMax = 64
    /// Longer than this nobody waits for another worker to have a block: the coordinator sends it itself.
    package static let blockWaitMilliseconds: Int64 = 1_000
    package static let blockRequestsWaitingMax = 4_096

    // Service
    package static let httpBodyBytesMax = 1 << 20
    package static let httpConnectionsMax = 1_024
    package static let httpConnectionsPerAddressMax = 256
    /// One field of a request's header, the path among them, and all of them together.
    package static let httpHeaderFieldBytesMax = 8 << 10
    package static let httpHeaderBytesMax = 32 << 10
    package static let httpHeaderFieldsMax = 64
    /// A hundred candidates with a few thousand days each.
    package static let checkBodyBytesMax = 16 << 20
    package static let checkCandidatesMax = 100
    package static let checkTopMax = 1_000
    /// Checks that are worked on at once; each may use all cores while it compares.
    package static let checksAtOnceMax = 4
    package static let checksWaitingMax = 64
    /// Large requests and answers that are taken apart and written at once, and from how many bytes or values on one is large.
    package static let codingsAtOnceMax = 2
    package static let codingsWaitingMax = 64
    package static let codingBytesMin = 64 << 10
    package static let codingValuesMin = 2_000
    /// Of answers that wait to be taken, all together; from how many bytes on one counts, and how many of it are sent at once.
    package static let httpAnswerBytesHeldMax = 1 << 30
    package static let httpAnswerBytesCountedMin = 64 << 10
    package static let httpAnswerPartBytes = 64 << 10
    /// How long an answer to whether the coordinator is ready holds, and how long anybody waits for it.
    package static let readinessHeldSeconds = 1.0
    package static let readinessPatienceSeconds = 5.0
    /// When whoever was sent away because there is too much to do, or no database, is told to come again.
    package static let retryAfterSeconds = 5
    /// Panels kept in memory for checks, with what is made of them; a quarter of the machine's memory if that is less.
    package static let residentPanelBytesMax = 8 << 30
    package static let residentPoolsPerPanelMax = 3
    /// A connection whose next request is not there after so long is closed, however many bytes of it have come.
    package static let httpIdleSeconds: Int64 = 60
    /// The same for the first request of a connection, its TLS handshake included, and after one that was refused.
    package static let httpHeaderMilliseconds: Int64 = 10_000
    /// From a request's header to the end of its body, and from the start of an answer to its last byte gone.
    package static let httpBodyMilliseconds: Int64 = 120_000
    package static let httpAnswerMilliseconds: Int64 = 300_000
    /// Bytes of a body that are taken off the line, also those that nobody reads.
    package static let httpBodyBytesTakenMax = 2 * checkBodyBytesMax
    /// Requests of one caller: several times what a program gets that waits for each answer, and far below what would
    /// leave nothing for others.
    package static let requestsPerSecondMax = 500.0
    package static let requestsBurstMax = 1_000.0
    /// Requests of one address that showed nothing valid.
    package static let strangerRequestsPerSecondMax = 1.0
    package static let strangerRequestsBurstMax = 30.0
    /// Callers and addresses whose rate is remembered.
    package static let rateNamesMax = 4_096
    package static let tokensMax = 1_000
    /// Revoked tokens that stay listed.
    package static let tokensRevokedKeptMax = 1_000
    package static let tokenNameBytesMax = 64
    /// Whether tokens were added or revoked is looked up this often while requests come.
    package static let tokensLookSeconds = 2.0
    /// When the database does not answer, what it said last holds for so long.
    package static let tokensTrustedSeconds = 5.0
    /// So long a request waits for it to answer: with the time between two looks less than the above, so that a request that came
    /// while tokens were still trusted is answered by them.
    package static let tokensPatienceSeconds = 2.0
    /// Addresses of coordinators that a client tries one after another, and how long it waits for the answer of one of several.
    package static let coordinatorURLsMax = 8
    package static let answerSecondsOfSeveral: Int64 = 10
    package static let jwtSubjectBytesMax = 200
    /// One-time codes that open the page: how many wait at once, and for how long.
    package static let signInCodesMax = 64
    package static let signInCodeSeconds = 300.0
    /// Browsers that are signed in, in all and of one token; the oldest gives way.
    package static let sessionsMax = 1_024
    package static let sessionsPerNameMax = 64
    package static let sessionSeconds = 43_200.0
    package static let sessionBodyBytesMax = 8 << 10
    /// A file of the assets folder, such as the chart library.
    package static let assetBytesMax = 16 << 20
    /// Refused requests with a row of their own in the audit log; the others are counted in the next row, so that nobody
    /// can wash the log out.
    package static let refusalsRecordedPerSecondMax = 0.1
    package static let refusalsRecordedBurstMax = 20.0
    package static let refusalsWaitingMax = 64
    /// Changes over HTTP, of one caller and of all together: each has one row in the audit log or two, of which a month's has to
    /// fit into `auditRowsMax`. Scripts may make many in a row.
    package static let changesPerSecondMax = 1.0
    package static let changesBurstMax = 12_000.0
    package static let changesOfAllPerSecondMax = 3.0
    package static let changesOfAllBurstMax = 24_000.0
    /// Whether a certificate on disk is a new one is looked up this often while connections come.
    package static let certificateLookSeconds = 10.0
    package static let reasonBytesMax = 500
    /// Paused jobs that give their place among the running ones to others, though each still holds a panel.
    package static let pausedPlacesMax = 3
    /// How long a worker may be given to finish what it has.
    package static let drainSecondsMax = 7 * 86_400
    /// Orders to drain, fulfilled ones included.
    package static let drainOrdersMax = 1_000
    package static let schedulesMax = 200
    package static let scheduleNameBytesMax = 64
    /// Between two jobs that changes of the PnL have begun.
    package static let schedulePauseSecondsDefault = 300
    package static let schedulePauseSecondsMax = 30 * 86_400
    /// A cron expression that names no minute of so many years names none at all.
    package static let cronYearsMax = 30
    package static let cronBytesMax = 200
    package static let webhooksMax = 50
    package static let webhookURLBytesMax = 500
    package static let webhookSecretBytesMax = 200
    /// Messages that wait for one receiver and for all, and ended ones that stay listed.
    package static let deliveriesPerWebhookMax = 500
    package static let deliveriesWaitingMax = 5_000
    package static let deliveriesKeptMax = 1_000
    /// A message is given up after so many tries; the pauses between them double from the first one on.
    package static let deliveryTriesMax = 8
    package static let deliveryPauseSeconds = 10
    package static let deliveryMilliseconds: Int64 = 10_000
    /// New pairs of one publication that are told of one by one, all that are remembered, and pairs of one region to compare
    /// with.
    package static let alertsPerJobMax = 1_000
    package static let alertsMax = 10_000
    package static let alertPairsMax = 200_000
    package static let alertThreshold = 0.8
    /// What a webhook may say instead.
    package static let alertThresholds = 0.3...1.0
    /// Ended jobs whose rows, results and logs are kept.
    package static let jobsKeptDefault = 10_000
    /// Ended jobs that go in one transaction.
    package static let jobsForgottenAtOnceMax = 200
    /// Rows of one answer, and of one that is a file.
    package static let resultRowsMax = 10_000
    package static let resultFileRowsMax = 100_000
    package static let resultFiltersMax = 20
    package static let resultFilterBytesMax = 200
    package static let sortKeysMax = 5
    /// Pairs that one window of the matrix compares, and pairs times days: a second or two of a core.
    package static let matrixPairsMax = 1 << 25
    package static let matrixProductsMax = 1 << 35
    /// Cells along an edge of a window, and alphas that a request names one by one.
    package static let matrixCellsMax = 1_000
    package static let matrixAlphasNamedMax = 1_000
    /// Alphas along an edge of the tiles that windows are computed in.
    package static let matrixTileEdgeMax = 256
    /// Words of a formula that are marked, and operators or fields of a list of those in use.
    package static let codeMarksMax = 20_000
    package static let usageWordsMax = 10_000
    /// Retries of a submission are recognised by their key for so long, and so many at once.
    package static let idempotencyKeysMax = 4_096
    package static let idempotencyKeyBytesMax = 200
    package static let idempotencySeconds = 86_400.0
    /// Open streams of events, and of one address.
    package static let eventStreamsMax = 512
    package static let eventStreamsPerAddressMax = 224
    /// Between two snapshots for all streams, two lists of workers, two comment lines, and two looks at a stream's token.
    package static let eventSnapshotMilliseconds = 1_000
    package static let eventWorkersMilliseconds = 2_000
    package static let eventCommentMilliseconds = 15_000
    package static let eventAccessMilliseconds = 2_000
    /// A stream that does not take what it gets for so long is closed.
    package static let eventStallMilliseconds = 60_000
    /// Ended tasks that wait for the next snapshot; of one second, as many are told.
    package static let taskEventsMax = 200
    /// Cells along an edge of a map of tiles.
    package static let tileMapEdgeMax = 128
    /// Tasks that are looked at for it, and how long one is good for.
    package static let tileMapTasksMax = 65_536
    package static let tileMapMilliseconds: Int64 = 500
    /// Jobs that ended lately and are still told about.
    package static let jobsEndedLatelyMax = 64
    /// How long a request to remove a cancelled job waits for the job's thread.
    package static let removalPatienceMilliseconds = 5_000
    /// Parameters that only one kind of job has, of one job.
    package static let jobParametersMax = 40
    package static let jobParameterBytesMax = 500
    /// A log of `alphagrid up` that is longer is put aside at the next start.
    package static let logBytesMax = 16 << 20
    package static let workerNameBytesMax = 255
    package static let commandQueueMax = 1_024
    /// Merged partials are written down for a coordinator that takes the job up again at the latest after so long, or when
    /// so many bytes of them wait.
    package static let partialLogMilliseconds = 5_000
    package static let partialLogWaitingBytesMax = 64 << 20
    /// Of one job; beyond it, what is computed is no longer written down.
    package static let partialLogBytesMax = 16 << 30
    /// Of one job in the database, for a coordinator that sees none of its files: in all, whoever has written them.
    package static let partialMirrorBytesPerAlphaMax = 256
    /// Work of which a slot does less than so much for all of these bytes gets half of them at most. Rounds over series and
    /// passes over few tiles take some tenths of a second; samples, layouts and passes over many take several.
    package static let partialMirrorSecondsMin = 0.5
    /// So long a job that is taken up again waits for a worker of the profile of what the database holds of it.
    package static let partialMirrorWorkersMilliseconds = 15_000
    /// Of these, written at once.
    package static let partialMirrorRowBytesMax = 4 << 20
    /// Between two signs of life of a coordinator in the database, and how long a standby waits for the next.
    package static let leaseRenewMilliseconds = 3_000
    package static let leaseStaleMilliseconds = 10_000
    /// Standbys that the database knows; one that has shown no sign of life for so long is forgotten.
    package static let standbysMax = 16
    package static let standbySilentSeconds = 30
    /// Files of one unfinished job, each of another coordinator; of more the oldest go.
    package static let partialLogFilesPerJobMax = 32
    /// Changes of the admitted keys that get rows of their own in the audit log; of more at once only the number.
    package static let keyChangesRecordedMax = 100
    /// A certificate that ends sooner is warned of, once a day.
    package static let certificateWarnDays = 14.0
    package static let mergeQueueMax = 4_096

    // Watching
    /// Series of one metric with labels; what comes later is counted under `other`.
    package static let metricSeriesMax = 1_000
    /// Lines of its log that a coordinator remembers for a support dump, and bytes of one of them.
    package static let logLinesKeptMax = 2_000
    package static let logLineBytesMax = 4_096
    /// Jobs a support dump tells of, and those of them that are explained.
    package static let supportJobsMax = 100
    package static let supportJobsExplainedMax = 20

    // Database
    package static let databaseConnectionsMax = 8
    /// Beside them, for pages that people read, each of which may keep one busy for as long as a statement of theirs may take.
    package static let databasePageConnectionsMax = 4
    package static let databasePageMilliseconds = 10_000
    package static let pagesWaitingMax = 64
    /// Beside both, for what must wait for neither: one each for the lease, the tokens, the audit log, readiness and keys.
    package static let databaseVitalConnectionsMax = 5
    package static let databaseConnectSeconds = 10
    /// For the short statements of a person or a page; bulk work has its own bound.
    package static let databaseStatementMilliseconds = 60_000
    package static let databaseBulkMilliseconds = 4 * 3_600_000
    package static let databaseLockMilliseconds = 15_000
    /// Bulk work and a takeover wait this long for another writer to finish.
    package static let databaseBulkLockMilliseconds = 600_000
    /// How long it stands in the way of those who come later, each time, for a lock that others have to be done for; and what a
    /// statement gets that is for displays alone, where something else waits behind it.
    package static let databaseBriefLockMilliseconds = 1_000
    /// For each index that is made of all rows at once, where the server does not give more.
    package static let databaseIndexMemoryMiB = 256
    package static let databaseTransactionAttemptsMax = 5
    /// How long a commit whose connection broke is asked after before its outcome is called unknown.
    package static let databaseCommitDoubtSeconds = 20
    /// How long a transaction's mark stays in `commit_marks`: far longer than anybody is in doubt.
    package static let commitMarkSeconds = 3_600
    /// How long a job waits for a database that cannot be reached before it fails.
    package static let databasePatienceSeconds = 600
    package static let panelReadersMax = 4
    package static let panelLoadsMax = 2
    /// Panels on disk that the database keeps change records for, per table.
    package static let panelCachesPerTableMax = 16
    /// Beyond this, the changes of a table are forgotten, and with them what the panels on disk were good for.
    package static let changeRecordsMax = 1_000_000
    /// Beyond this, a writing transaction leaves one record that says that anything may have changed.
    package static let changeRecordBytesMax = 256 << 20
    package static let panelCacheBytesDefault = 64 << 30
    /// Of the panels used last, in a coordinator's memory.
    package static let panelsInMemoryBytesMax = 128 << 20
    /// Pages of results that are remembered, each of at most so many rows.
    package static let pagesRememberedMax = 32
    package static let pageRowsRememberedMax = 200
    /// Rows on their way into the database wait in so many buffers of so many bytes.
    package static let copyBufferBytes = 1 << 18
    package static let copyBuffers = 3
    /// Rows of the audit log: the newest stay, however old they are; of the others those that are younger than so many days,
    /// which `changesOfAllPerSecondMax` bounds; and none stays that comes before so many, as where a clock was wrong.
    package static let auditRowsKept = 100_000
    package static let auditDaysKept = 30
    package static let auditRowsMax = 20_000_000
    /// Looked at with each new row, the oldest first, so that no change waits for many to go.
    package static let auditRowsForgottenAtOnce = 20
    package static let auditRowsListedMax = 10_000
    /// On one page over HTTP.
    package static let auditPageRowsMax = 1_000
    package static let auditPathBytesMax = 500
    package static let poolsPerRegionMax = 1_000
    package static let poolNameBytesMax = 50
    package static let regionsMax = 200
    package static let metadataFileBytesMax = 1 << 30
    package static let metadataTextBytesMax = 1 << 20
    package static let metadataColumnsMax = 100
    package static let jobsListedMax = 1_000

    // Embedding
    /// Rows of a matrix whose eigenvalues are wanted: 512 MiB of float64, and minutes of work.
    package static let eigenOrderMax = 8_192
    /// Values of the Krylov basis behind a spectral layout: 128 MiB of float64.
    package static let krylovValuesMax = 1 << 24
    package static let layoutEpochsMax = 10_000
    package static let centroidsMax = 4_096

    // Clustering
    /// Points of a method that needs all pairs in memory: 1.6 GB of distances, and twice that to work on.
    package static let matrixPointsMax = 20_000

    // Expressions
    /// As much as the `code` column of an alpha may hold.
    package static let expressionBytesMax = metadataTextBytesMax
    /// Brackets, signs and right operands inside one another; the parser calls itself once for each.
    package static let expressionNestingMax = 200
    /// Terms or factors that the canonical form lines up with those of a variable or call; where there would be more,
    /// the variable's stay apart.
    package static let expressionOperandsMax = 64
    /// A canonical form of more nodes names the parts it repeats instead of writing them out.
    package static let expressionFormNodesMax = 1_000
    /// Operators or data fields of one list.
    package static let expressionNamesMax = 1_000_000
}
