import ClusterModel
import Store

extension CoordinatorService {
    /// Of the database, nil when it does not answer, and what this program needs; for bug reports.
    package func schemaVersions() async -> (present: Int?, needed: Int) {
        let versions = try? await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.schemaVersions() }
        }
        return (versions?.present, versions?.needed ?? 0)
    }
}

extension CoordinatorService: AccessRecords {
    package func validTokens() async throws -> [StoredToken] {
        try await waiting(on: tokenCalls) { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.vital.validTokens() }
        }
    }

    package func beginAudit(_ entry: AuditEntry) async throws -> Int64 {
        try await waiting(on: auditCalls) { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                try service.vital.beginAudit(entry, epoch: service.epoch)
            }
        }
    }

    package func finishAudit(_ row: Int64, status: Int, subject: String?) async throws {
        try await waiting(on: auditCalls) { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                try service.vital.finishAudit(row, status: status, subject: subject)
            }
        }
    }

    package func recordRefusals(_ entries: [AuditEntry]) async throws {
        try await waiting(on: auditCalls) { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.vital.recordRefusals(entries) }
        }
    }

    package func auditRows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView] {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.auditRows(limit: limit, filter) }
        }
    }
}
