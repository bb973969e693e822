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

    func apply(to configuration: inout CoordinatorConfiguration) throws(GridError) {
        configuration.jobsKept = try Self.number(keepJobs, 1...Self.jobsKeptMax, "--keep-jobs")
        configuration.jobDaysKept = try keepDays.map { days throws(GridError) in
            try Self.number(days, 1...Self.daysMax, "--keep-days")
        }
        configuration.panelBytesMax = try Self.number(keepPanels, 0...Self.gibibytesMax, "--keep-panels") << 30
        var ranges: [AddressRange] = []
        for text in webhooksAllowed { ranges.append(try AddressRange(parsing: text)) }
        configuration.webhooksAllowed = ranges
    }

    private static func number(_ value: Int, _ range: ClosedRange<Int>, _ flag: String) throws(GridError) -> Int {
        guard range.contains(value) else {
            throw GridError(
                .usage, "\(flag) \(value) is not valid: expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
