/// The settings a private server runs with, written at every start.
enum ServerSettings {
    static func text(socketDirectory: String, durability: LocalPostgres.Durability) -> String {
        var lines = [
            "listen_addresses = ''",
            "port = \(RunningPostgres.port)",
            "unix_socket_directories = '\(socketDirectory)'",
            "unix_socket_permissions = 0700",
            "max_connections = 60",
            "shared_buffers = 128MB",
            "maintenance_work_mem = 128MB",
            "max_wal_size = 2GB",
            // No replica will ever read this log, and a COPY into a new table need not be in it.
            "wal_level = minimal",
            "max_wal_senders = 0",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "datestyle = 'ISO, YMD'",
            "log_min_messages = warning",
            "logging_collector = off",
        ]
        if durability == .fast {
            // Commits still reach the system's cache, so that a killed server loses nothing.
            lines += ["fsync = off", "full_page_writes = off", "autovacuum_naptime = 10min"]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
