import ArgumentParser
import ClusterModel
import Foundation
import Kernels
import Logging
import Logs
import WorkerEngine
import WorkerRuntime

/// Start and end of the worker program: flags, logging, signals, exit status.
@main
enum Program {
    static func main() {
        BLAS.endIdleThreads()
        ProcessMemory.keepFreed()
        BLAS.measureIfAsked()
        do throws(GridError) {
            let command = try parse()
            let environment = ProcessInfo.processInfo.environment
            var settings = try command.settings(environment)
            // May start this program anew; hence before threads and sockets exist.
            let adoption = try BLAS.adoptCoreType(command.value(command.blasCore, "BLAS_CORE", environment) ?? "auto")
            BLAS.configure()
            settings.coreTypes = adoption.coreTypes
            if command.describe {
                print(try Description(settings).json())
            } else {
                let named = command.value(command.logFormat, "LOG_FORMAT", environment)
                try work(settings, try LogFormat(parsing: named, field: "--log-format"), adoption.note)
            }
        } catch {
            fail(error)
        }
    }

    private static func parse() throws(GridError) -> WorkerCommand {
        do {
            return try WorkerCommand.parse()
        } catch {
            // Asked for help or the version: that is no error, and the text goes to stdout.
            if WorkerCommand.exitCode(for: error) == .success { WorkerCommand.exit(withError: error) }
            throw GridError(.usage, "\(WorkerCommand.message(for: error)) (see alphagrid-worker --help)")
        }
    }

    private static func work(_ settings: WorkerSettings, _ format: LogFormat, _ remark: String?) throws(GridError) {
        var logger = ProgramLog.logger("alphagrid-worker", format)
        // Logs of many workers are looked at together; a person who reads one knows whose it is.
        if format == .json { logger[metadataKey: "worker"] = "\(settings.worker)" }
        if let remark { logger.info("\(remark)") }
        logger.info(
            "worker \(settings.worker): \(settings.slots) slots, \(ByteSize.text(settings.memoryBytes)) cache, \(BLAS.profile)")
        let runtime = try WorkerRuntime(settings, logger: logger)
        try Signals.listen(first: { runtime.drain() }, second: { leave(1) })
        switch try runtime.waitForExit() {
        case .drained:
            logger.info("drained; leaving")
        case .drainTimedOut(let attemptsLeft):
            throw GridError(.partlyDone, "draining took too long: \(attemptsLeft) attempts are left to other workers")
        case .changeCoreType(let wanted):
            logger.info("starting again with core type \(wanted)")
            try BLAS.changeCoreType(to: wanted, of: settings.coreTypes)
        case .machineSuspect(let sentence):
            throw GridError(.damaged, "leaving after \(Limits.damagesPerWorkerMax) wrong results: \(sentence)")
        case .refused(let reason):
            // With several addresses it was whoever leads now.
            let refuser = settings.standbys.isEmpty ? "\(settings.coordinator)" : "the coordinator that leads"
            throw GridError(.failed, "\(refuser) refused this worker: \(reason)")
        case nil:
            break
        }
        leave(0)
    }

    private static func fail(_ error: GridError) -> Never {
        FileHandle.standardError.write(Data("alphagrid-worker: \(error)\n".utf8))
        leave(error.exitCode)
    }

    /// Ends the process without running what libraries left for its end: slots may still be inside OpenBLAS, which
    /// would find its memory gone.
    private static func leave(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}
