import ArgumentParser
import ClusterModel
import Foundation
import Logging
import Logs

/// How a program that keeps running logs.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "text, or json for one object a line (default: $ALPHAGRID_LOG_FORMAT, else text).", valueName: "format"))
    var logFormat: String?

    /// - Parameter ring: remembers the last lines.
    func logger(_ label: String, ring: LogRing) throws(GridError) -> Logger {
        let environment = ProcessInfo.processInfo.environment
        let named = logFormat ?? environment["ALPHAGRID_LOG_FORMAT"].flatMap { $0.isEmpty ? nil : $0 }
        let format = try LogFormat(parsing: named, field: logFormat == nil ? "ALPHAGRID_LOG_FORMAT" : "--log-format")
        return ProgramLog.logger(label, format, level: environment["ALPHAGRID_LOG"], ring: ring)
    }
}
