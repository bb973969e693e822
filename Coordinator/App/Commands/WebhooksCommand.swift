import API
import ArgumentParser
import ClusterModel
import Foundation
import Requests

struct WebhooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "Say whom the coordinator tells by HTTP that a job has ended or a pair has come to be alike.",
        discussion: """
            Messages are JSON by POST, with X-AlphaGrid-Timestamp and X-AlphaGrid-Signature: v1= and the HMAC-SHA256 of \
            TIMESTAMP.BODY with the webhook's secret. They are tried again for some twenty minutes, and may come twice: the \
            number in X-AlphaGrid-Delivery stays the same. Only public https addresses are talked to, unless the coordinator's \
            --webhook-allow has their range.

            Examples:
              alphagrid webhooks add https://hooks.example.com/grid --event job.failed --event alert.correlation
              alphagrid webhooks
              alphagrid webhooks test 1
            """,
        subcommands: [Add.self, List.self, Show.self, Remove.self, Test.self], defaultSubcommand: List.self)

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Add a webhook, and print its secret unless it was given: this once.",
            discussion: """
                Events: job.done, job.failed, alert.correlation.

                Examples:
                  alphagrid webhooks add https://hooks.example.com/grid --event job.failed
                  alphagrid webhooks add https://hooks.example.com/grid --event alert.correlation --region USA --threshold 0.9
                  alphagrid webhooks add https://hooks.example.com/grid --event job.done --secret-file hook.secret
                """)

        @Argument(help: "Where messages go.")
        var url: String

        @Option(name: .customLong("event"), help: "What to tell of; may be repeated.", completion: .events)
        var events: [String] = []

        @Option(help: "Only what happens to this region.", completion: .regions)
        var region: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "|r| from which on new pairs are told of, \(Limits.alertThresholds.lowerBound) to "
                    + "\(Limits.alertThresholds.upperBound) (default: \(Limits.alertThreshold)).", valueName: "r"))
        var threshold: Double?

        @Option(help: ArgumentHelp("File with the secret of the signature (default: one is made).", valueName: "file"))
        var secretFile: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            var request = WebhookRequest(url: url, events: [])
            for name in events {
                guard let event = WebhookEvent(rawValue: name), event != .test else {
                    throw GridError(.usage, "--event '\(name.printable)' is not valid: expected \(WebhookRequest.eventNames)")
                }
                request.events.append(event)
            }
            guard !request.events.isEmpty else {
                throw GridError(.usage, "no event is named: expected --event with one of \(WebhookRequest.eventNames)")
            }
            (request.region, request.threshold) = (region, threshold)
            request.secret = try secretFile.map { path throws(GridError) in try Self.secret(path) }
            let asked = request
            let view = try await GridError.naming(Self.options) {
                try asked.validate()
                return try await connection.client().addWebhook(asked)
            }
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardError.writeLine(
                "webhook \(view.webhookID) added" + (view.secret == nil ? "" : "; its secret is shown only here:"))
            if let secret = view.secret { StandardOutput.write(secret + "\n") }
            // Behind the secret, which the line before it announces.
            if let warning = view.warning { StandardError.writeLine("warning: \(warning)".singleLine) }
        }

        private static let options = [
            "url": "the address", "events": "--event", "region": "--region", "threshold": "--threshold",
            "secret": "--secret-file",
        ]

        private static func secret(_ path: String) throws(GridError) -> String {
            guard let data = FileManager.default.contents(atPath: path), data.count <= Limits.webhookSecretBytesMax + 2 else {
                throw GridError(
                    .usage,
                    "--secret-file \(path.printable) cannot be read, or has more than \(Limits.webhookSecretBytesMax) bytes")
            }
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List webhooks.",
            discussion: """
                Examples:
                  alphagrid webhooks list --json
                """)

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let webhooks = try await connection.client().webhooks()
            if output.isJSON { return try StandardOutput.writeJSON(WebhookList(webhooks: webhooks)) }
            guard !webhooks.isEmpty else { return StandardError.writeLine("no webhooks") }
            StandardOutput.writeTable(WebhookReport.table(webhooks))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a webhook and its last messages.",
            discussion: """
                Examples:
                  alphagrid webhooks show 1
                """)

        @OptionGroup var one: OneWebhook

        func run() async throws { try await one.show { try await $0.webhook($1) } }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove a webhook with the messages that wait for it.",
            discussion: """
                Examples:
                  alphagrid webhooks remove 1
                """)

        @OptionGroup var one: OneWebhook

        func run() async throws { try await one.show(saying: "removed") { try await $0.removeWebhook($1) } }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Send a message that says nothing, and wait a little for its fate.",
            discussion: """
                Examples:
                  alphagrid webhooks test 1
                """)

        @OptionGroup var one: OneWebhook

        private static let looksMax = 60

        func run() async throws {
            let client = try one.connection.client()
            let id = try await one.id(client)
            var view = try await client.testWebhook(id)
            guard let number = view.deliveries?.first(where: { $0.event == .test })?.deliveryID else {
                throw GridError(.failed, "the message is gone already")
            }
            for _ in 0..<Self.looksMax where view.deliveries?.first(where: { $0.deliveryID == number })?.tries == 0 {
                try await Task.sleep(for: .milliseconds(250))
                view = try await client.webhook(id)
            }
            // Tried, and about to be answered.
            for _ in 0..<Self.looksMax {
                let delivery = view.deliveries?.first { $0.deliveryID == number }
                if delivery?.state != "waiting" || delivery?.error != nil { break }
                try await Task.sleep(for: .milliseconds(250))
                view = try await client.webhook(id)
            }
            let delivery = view.deliveries?.first { $0.deliveryID == number }
            if one.output.isJSON {
                try StandardOutput.writeJSON(view)
            } else {
                let status = delivery?.status.map { ", status \($0)" } ?? ""
                StandardOutput.write("webhook \(id): \(delivery?.state ?? "gone")\(status)".singleLine + "\n")
            }
            if delivery?.state != "delivered" {
                throw GridError(.failed, "the message has not arrived: \(delivery?.error ?? "nobody has answered yet")")
            }
        }
    }

    struct OneWebhook: ParsableArguments {
        @Argument(
            help: ArgumentHelp("Webhook by its id or its address, as 'alphagrid webhooks' lists it.", valueName: "webhook"),
            completion: .webhooks)
        var wanted: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func id(_ client: GridClient) async throws -> Int64 {
            let names = try await client.webhooks().map { (id: $0.webhookID, name: $0.url) }
            return try Int64.named(wanted, "webhook", among: names)
        }

        /// - Parameter word: what was done with it; nil to show it.
        func show(saying word: String? = nil, _ body: (GridClient, Int64) async throws -> WebhookView) async throws {
            let client = try connection.client()
            let id = try await id(client)
            let view = try await body(client, id)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            if let word { return StandardOutput.write("webhook \(id) \(word)\n") }
            StandardOutput.write(WebhookReport.page(view).joined(separator: "\n") + "\n")
            if let deliveries = view.deliveries, !deliveries.isEmpty {
                StandardOutput.write("\n")
                StandardOutput.writeTable(WebhookReport.table(deliveries))
            }
        }
    }
}

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts",
        abstract: "List pairs that have come to be alike with the last correlations: newest job first, then by |r|.",
        discussion: """
            After each publication of a region's own correlations, pairs with |r| >= \(Limits.alertThreshold), or a smaller \
            threshold of a webhook, that were not there before are told of: here, in the coordinator's log, and to webhooks.

            Examples:
              alphagrid alerts
              alphagrid alerts --region USA --limit 1000 --json
            """)

    @Option(help: "Only those of this region.", completion: .regions)
    var region: String?

    @Option(help: "How many, 1 to \(Limits.alertsMax).")
    var limit = 50

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        guard (1...Limits.alertsMax).contains(limit) else {
            throw GridError(.usage, "--limit \(limit) is not valid: expected a number from 1 to \(Limits.alertsMax)")
        }
        let region = try region.map { text throws(GridError) in try Region(text) }
        let alerts = try await connection.client().alerts(limit: limit, region: region)
        if output.isJSON { return try StandardOutput.writeJSON(AlertList(alerts: alerts)) }
        guard !alerts.isEmpty else { return StandardError.writeLine("no alerts") }
        StandardOutput.writeTable(WebhookReport.table(alerts))
    }
}
