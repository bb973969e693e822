import ArgumentParser
import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Started by `alphagrid up`, not by people.
struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Stop the cluster of a state folder when 'alphagrid up' is gone; started by 'alphagrid up'.",
        shouldDisplay: false)

    @OptionGroup var state: StateOptions

    func run() throws {
        // It has to outlive whatever ends the others.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { signal(number, SIG_IGN) }
        var watch = ClusterGuard()
        watch.listen(to: STDIN_FILENO)
        if !watch.dismissed { watch.stopCluster(stateDirectory: state.resolved()) }
    }
}
