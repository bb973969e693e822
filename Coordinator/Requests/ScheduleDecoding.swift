import ClusterModel
import Foundation

extension ScheduleRequest {
    /// - Throws: `GridError(.usage)`: the first field that is unknown, of the wrong type or out of range. Whether `cron`,
    ///   `time_zone` and the job make sense is judged where they are used.
    package init(decoding body: Data) throws(GridError) {
        var object = try StrictObject(body, what: "the schedule")
        let name = try object.requiredText("name", bytesMax: Limits.scheduleNameBytesMax)
        let cron = try object.text("cron", bytesMax: Limits.cronBytesMax)
        let onChange = try object.truth("on_change")
        let timeZone = try object.text("time_zone", bytesMax: Limits.scheduleNameBytesMax)
        let pause = try object.whole("min_pause_seconds", in: 0...Limits.schedulePauseSecondsMax)
        guard let job = try object.object("job") else {
            throw GridError(.usage, "field 'job' is missing: the schedule needs it as an object")
        }
        try object.expectNothingElse()
        self.init(name: name, job: try JobRequest(decoding: job))
        (self.cron, self.onChange, self.timeZone, minPauseSeconds) = (cron, onChange, timeZone, pause)
        try validate()
    }

    package func validate() throws(GridError) {
        let isPlain = name.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F..<0xA0).contains($0.value) }
        guard isPlain, (1...Limits.scheduleNameBytesMax).contains(name.utf8.count) else {
            throw GridError(
                .usage, "name '\(name.printable)' is not valid: expected 1 to \(Limits.scheduleNameBytesMax) bytes without blanks"
            )
        }
        guard (cron == nil) == (onChange ?? false) else {
            throw GridError(.usage, "the schedule needs either 'cron' or 'on_change': expected one of them")
        }
        if cron == nil, timeZone != nil {
            throw GridError(.usage, "field 'time_zone' says nothing without 'cron': expected both")
        }
        if cron != nil, minPauseSeconds != nil {
            throw GridError(.usage, "field 'min_pause_seconds' says nothing without 'on_change': expected both")
        }
        try job.validate()
    }
}

extension WebhookRequest {
    package init(decoding body: Data) throws(GridError) {
        var object = try StrictObject(body, what: "the webhook")
        let url = try object.requiredText("url", bytesMax: Limits.webhookURLBytesMax)
        let names = try object.list("events", countMax: WebhookEvent.allCases.count, bytesMax: 40)
        let region = try object.text("region", bytesMax: 80)
        let threshold = try object.number("threshold")
        let secret = try object.text("secret", bytesMax: Limits.webhookSecretBytesMax)
        try object.expectNothingElse()
        guard let names, !names.isEmpty else {
            throw GridError(.usage, "field 'events' is missing or empty: expected some of \(Self.eventNames)")
        }
        var events: [WebhookEvent] = []
        for name in names {
            guard let event = WebhookEvent(rawValue: name), event != .test else {
                throw GridError(.usage, "field 'events' has '\(name.printable)': expected some of \(Self.eventNames)")
            }
            if !events.contains(event) { events.append(event) }
        }
        self.init(url: url, events: events)
        (self.region, self.threshold, self.secret) = (region, threshold, secret)
        try validate()
    }

    package static let eventNames = WebhookEvent.allCases.filter { $0 != .test }.map(\.rawValue).joined(separator: ", ")
    /// Shorter ones can be guessed.
    private static let secretBytesMin = 16

    package func validate() throws(GridError) {
        if let region { _ = try Region(region) }
        if let threshold {
            guard events.contains(.alertCorrelation) else {
                throw GridError(.usage, "field 'threshold' is for webhooks with the event alert.correlation")
            }
            let range = Limits.alertThresholds
            guard range.contains(threshold) else {
                throw GridError(
                    .usage, "field 'threshold' is \(threshold): expected \(range.lowerBound) to \(range.upperBound)")
            }
        }
        if let secret {
            let isPlain = secret.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            guard isPlain, (Self.secretBytesMin...Limits.webhookSecretBytesMax).contains(secret.utf8.count) else {
                throw GridError(
                    .usage,
                    "field 'secret' is not valid: expected \(Self.secretBytesMin) to \(Limits.webhookSecretBytesMax) plain "
                        + "characters without blanks")
            }
        }
    }
}

extension Int64 {
    /// - Parameters:
    ///   - text: part of a path or of a command line.
    ///   - what: what it is the number of, for messages.
    package init(parsing text: String, what: String) throws(GridError) {
        let digits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits, let value = Int64(text), value > 0 else {
            throw GridError(.usage, "\(what) id '\(text.printable)' is not valid: expected a whole number from 1 on")
        }
        self = value
    }
}
