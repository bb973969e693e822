import ClusterModel
import Foundation

/// The time zone of a schedule.
struct ScheduleZone: Sendable {
    private let zone: TimeZone

    /// - Parameter name: of the IANA data base, such as `America/New_York` or `UTC`.
    init(named name: String) throws(GridError) {
        // Foundation also takes abbreviations, which mean different zones to different people.
        guard name == "UTC" || name.contains("/"), name.utf8.count <= 64, let zone = TimeZone(identifier: name) else {
            throw GridError(
                .usage,
                "time zone '\(name.printable)' is not known: expected a name such as UTC, America/New_York or Asia/Shanghai")
        }
        self.zone = zone
    }

    func offset(_ seconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
    }
}

extension CronSchedule {
    /// The first minute after `date` at which it is due in a zone.
    func next(after date: Double, in zone: ScheduleZone) -> Double? {
        next(after: Int64(date.rounded(.down)), offset: zone.offset).map { Double($0) }
    }
}
