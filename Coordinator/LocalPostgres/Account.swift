import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The operating system user a server runs as when this process is root: PostgreSQL refuses to be root.
struct Account: Equatable {
    var name: String
    var userID: uid_t
    var groupID: gid_t

    /// Words in front of a command that make it run as this user. `setpriv` needs no PAM and no login shell.
    var prefix: [String] {
        ["setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--"]
    }

    init?(named name: String) {
        guard let entry = getpwnam(name)?.pointee else { return nil }
        self.init(name: name, userID: entry.pw_uid, groupID: entry.pw_gid)
    }

    init(name: String, userID: uid_t, groupID: gid_t) {
        self.name = name
        self.userID = userID
        self.groupID = groupID
    }

    /// Who owns a file or folder; nil when it is not there.
    init?(ownerOf path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return nil }
        let name = getpwuid(info.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "user \(info.st_uid)"
        self.init(name: name, userID: info.st_uid, groupID: info.st_gid)
    }

    /// The account for a new server: nil, that is this process's own user, unless it is root.
    static func forNewServer() throws(GridError) -> Account? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let account = Account(named: name), account.userID != 0 { return account }
        }
        throw GridError(
            .failed, "PostgreSQL refuses to run as root, and this machine has neither a user postgres nor a user nobody")
    }

    /// Whether this user can enter a folder, asked of the system itself: modes, lists and mounts all count.
    func canEnter(_ directory: String) throws(GridError) -> Bool {
        try Command(arguments: ["test", "-x", directory], account: self).run().status == 0
    }
}
