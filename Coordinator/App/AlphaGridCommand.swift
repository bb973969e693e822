import ArgumentParser
import ClusterModel

/// The root of the command line.
struct AlphaGridCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alphagrid",
        abstract: "Correlations of trading strategies' daily PnL, on one machine or many.",
        discussion: """
            Examples:
              alphagrid correlate pnl.csv                     one file, no server
              alphagrid features pnl.csv                      Sharpe, drawdown and more
              alphagrid up --workers 2                        a whole cluster here
              alphagrid db import pnl.csv --region USA        into its database
              alphagrid run correlation --region USA --wait   and its correlations
              alphagrid check new.csv --region USA            may it be submitted?
              alphagrid explain A1 A2 --region USA            why this correlation?
              alphagrid expressions usage --region USA        which operators and fields?
              alphagrid status --watch                        what is going on
              alphagrid open                                  the same and all results in a browser

            Results go to standard output, everything else to standard error.

            Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 not found, 4 cannot reach, 5 partly done.
            """,
        version: "alphagrid \(AlphaGrid.version)",
        subcommands: [
            CorrelateCommand.self, FeaturesCommand.self, CheckCommand.self, ExplainCommand.self, UpCommand.self,
            CoordinatorCommand.self, DatabaseCommand.self, RunCommand.self, ResultsCommand.self, ExpressionsCommand.self,
            JobsCommand.self, WorkersCommand.self, ScheduleCommand.self, WebhooksCommand.self, AlertsCommand.self,
            KeysCommand.self, StatusCommand.self, OpenCommand.self, TokensCommand.self, AuditCommand.self, BenchCommand.self,
            SupportDumpCommand.self, CompletionsCommand.self, ManualCommand.self, VersionCommand.self, GuardCommand.self,
        ])

    /// Whether this command line computes in this process.
    static func computes(_ arguments: [String]) -> Bool {
        [CorrelateCommand._commandName, BenchCommand._commandName].contains(arguments.first)
    }
}
