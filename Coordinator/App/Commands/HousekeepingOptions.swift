import ArgumentParser
import ClusterModel
import Service

/// What a coordinator keeps, and whom it may talk to by itself.
struct HousekeepingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Ended jobs that are kept with their results, the newest ones.", valueName: "n"))
    var keepJobs = Limits.jobsKeptDefault

    @Option(help: ArgumentHelp("Days after its end that a job goes whatever their number (default: never).", valueName: "days"))
    var keepDays: Int?

    @Option(help: ArgumentHelp("Gibibytes of kept panels and results in the state folder.", valueName: "gib"))
    var keepPanels = Limits.panelCacheBytesDefault >> 30

    @Option(
        name: .customLong("webhook-allow"),
        help: ArgumentHelp(
            "Addresses that webhooks may have although they are not public, also by http; may be repeated.",
            valueName: "cidr"))
    var webhooksAllowed: [String] = []

    private static let jobsKeptMax = 10_000_000
    private static let daysMax = 36_500
    private static let gibibytesMax = 1 << 20

    /// The same flags, for a coordinator that is started by this program.
    func arguments() throws(GridError) -> [String] {
        _ = try checked()
        var words = ["--keep-jobs", "\(keepJobs)", "--keep-panels", "\(keepPanels)"]
        if let keepDays { words += ["--keep-days", "\(keepDays)"] }
        return words + webhooksAllowed.flatMap { ["--webhook-allow", $0] }
    }

    /// What the flags say.
    struct Checked {
        var jobsKept: Int
        var jobDaysKept: Int?
        var panelBytesMax: Int
        var webhooksAllowed: [AddressRange] = []

        func apply(to configuration: inout CoordinatorConfiguration) {
            configuration.jobsKept = jobsKept
            configuration.jobDaysKept = jobDaysKept
            configuration.panelBytesMax = panelBytesMax
            configuration.webhooksAllowed = webhooksAllowed
        }
    }

    /// - Throws: `GridError(.usage)` for what is not valid; to be asked before anything is made or begun.
    func checked() throws(GridError) -> Checked {
        var checked = Checked(
            jobsKept: try Self.number(keepJobs, 1...Self.jobsKeptMax, "--keep-jobs"),
            jobDaysKept: try keepDays.map { days throws(GridError) in try Self.number(days, 1...Self.daysMax, "--keep-days") },
            panelBytesMax: try Self.number(keepPanels, 1...Self.gibibytesMax, "--keep-panels") << 30)
        for text in webhooksAllowed { checked.webhooksAllowed.append(try AddressRange(parsing: text)) }
        return checked
    }

    private static func number(_ value: Int, _ range: ClosedRange<Int>, _ flag: String) throws(GridError) -> Int {
        guard range.contains(value) else {
            throw GridError(
                .usage, "\(flag) \(value) is not valid: expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
